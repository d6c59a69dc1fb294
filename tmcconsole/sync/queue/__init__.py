"""The work queue, its lanes and workers, and the concurrency limit."""
