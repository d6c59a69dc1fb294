"""What went wrong, what was done about it, and how healthy everything is."""
