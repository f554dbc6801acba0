"""Models that learn from a user's own corrections."""
