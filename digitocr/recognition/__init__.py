"""Candidates and rows to numbers: normalization, scores, decoding, confidence."""
