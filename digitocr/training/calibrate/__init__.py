"""Scores to probabilities, and how much can be accepted."""
