"""One target: its supervisor, its wired reconcilers, its heartbeat."""
