"""Target to hub: objects that a target owns, shown in the hub."""
