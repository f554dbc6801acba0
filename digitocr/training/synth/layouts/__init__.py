"""Layouts: kinds of paper that people meet, written as data files in a small language."""
