"""Target to hub: the statuses of all copies are merged."""
