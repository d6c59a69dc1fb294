"""The hub session and what it writes there on behalf of all targets."""
