"""The engine: supervises the hub and every target, and keeps the board."""
