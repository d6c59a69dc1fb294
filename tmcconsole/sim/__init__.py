"""A Kubernetes API server small enough to run anywhere and good enough to trust."""
