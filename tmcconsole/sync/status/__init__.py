"""Target to hub: the statuses of all copies become one."""
