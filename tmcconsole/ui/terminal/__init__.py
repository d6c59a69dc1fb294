"""The terminal itself: what it sends, what is written to it, and its clipboard."""
