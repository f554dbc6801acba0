"""Data, drawing and training of the models; never imported by the reading path."""
