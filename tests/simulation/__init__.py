"""Seeded simulation: the whole engine in virtual time, against simulated clusters."""
