"""Hub to target: one reconciler, its decision, and the steps that act."""
