"""File bytes to pages; hostile bytes are decoded in a sandbox."""
