"""Names, keys and marks that sync writes on objects."""
