"""What a target should hold of a hub object. Pure."""
