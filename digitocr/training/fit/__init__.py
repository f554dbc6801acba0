"""Architectures, recipes and the training itself."""
