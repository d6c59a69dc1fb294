"""What happened, and what is about to be done."""
