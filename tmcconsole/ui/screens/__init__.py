"""Screens: each composes bars, tables and panes, and hands what is asked for to the session."""
