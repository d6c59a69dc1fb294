"""Screens: each composes bars, tables and panes, and passes requests to the session."""
