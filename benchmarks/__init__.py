"""Measurements of what the program reads and what it costs; not part of what is installed."""
