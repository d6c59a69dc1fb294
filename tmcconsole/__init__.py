"""tmc-console: a terminal console and sync engine for workloads on several Kubernetes clusters."""

__version__ = "0.1.0"
