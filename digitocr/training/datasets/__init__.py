"""What the networks learn from and are measured on."""
