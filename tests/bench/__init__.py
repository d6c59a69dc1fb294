"""Measurements of what the design promises, printed as a table. They are not tests."""
