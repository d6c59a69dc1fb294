"""Object by object: plan what a cluster should hold, act, observe what came of it."""
