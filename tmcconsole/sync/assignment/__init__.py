"""Which targets a hub object belongs on, decided without I/O."""
