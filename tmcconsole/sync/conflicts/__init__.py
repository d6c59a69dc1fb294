"""Fields that are not as desired: whose they are, and who wins. Pure."""
