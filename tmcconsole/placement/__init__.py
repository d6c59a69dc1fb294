"""Which cluster an object belongs on, and why."""
