"""The work queue, its lanes and workers, and how many requests are under way."""
