"""The networks that run: compiled models, their cards, and which model is in use."""
