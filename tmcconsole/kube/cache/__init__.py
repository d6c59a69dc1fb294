"""The mirror of one kind: list, watch, and list again when lost."""
