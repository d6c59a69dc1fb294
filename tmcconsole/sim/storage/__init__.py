"""Objects, versions and watches of one simulated server, and its faults."""
