"""One target served: its supervisor, its reconcilers wired, its heartbeat."""
