"""The cache of one kind: list, watch, and list again after losing the watch."""
