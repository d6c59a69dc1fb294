"""How a simulated cluster is reached: HTTP on loopback, or in process."""
