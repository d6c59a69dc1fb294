"""A whole small world in one process: simulated clusters and a real engine between them."""
