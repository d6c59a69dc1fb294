"""Widgets that draw runs of text line by line and repaint only what differs."""
