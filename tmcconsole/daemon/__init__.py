"""Headless: the engine without the console, its socket and its printers."""
