"""Server-side apply: field sets, managers and the three patch types."""
