"""Headless: the engine without a screen, its socket and its printers."""
