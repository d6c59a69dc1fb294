"""The only ways to delete on a target."""
