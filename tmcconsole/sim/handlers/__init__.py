"""One handler for each verb of the API."""
