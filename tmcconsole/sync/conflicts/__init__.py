"""Fields that differ from the desired state: who owns them, and who wins. Pure."""
