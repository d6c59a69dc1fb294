"""Whether a copy may leave its target: only once what replaces it is there and as healthy."""
