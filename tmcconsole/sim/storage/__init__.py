"""Objects, versions and watch history of one simulated server, and its faults."""
