"""Measurements of what the design promises, printed as a table. Not tests: nothing here fails."""
