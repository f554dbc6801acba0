"""Every command of ``digitocr``."""
