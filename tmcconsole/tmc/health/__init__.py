"""The health of objects and components, from what the API servers report."""
