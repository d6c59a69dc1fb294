"""How well objects and parts are, from what the API servers say."""
