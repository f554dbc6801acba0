"""A folder's life: scan, claim, run, archive, retention."""
