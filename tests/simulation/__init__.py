"""Seeded simulation: the whole engine on virtual time, against simulated clusters."""
