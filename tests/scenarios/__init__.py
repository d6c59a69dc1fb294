"""Scenarios of kcp, by their names there."""
