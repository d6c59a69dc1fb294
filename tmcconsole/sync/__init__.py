"""Object by object: plan what a cluster should hold, act, observe the result."""
