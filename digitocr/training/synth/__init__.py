"""Drawn pictures of handwriting with exact truth."""
