"""Tables and pictures: what a run leaves on disk."""
