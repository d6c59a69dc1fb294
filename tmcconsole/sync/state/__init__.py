"""What the reconcilers share: hub, target, ledger, desired state."""
