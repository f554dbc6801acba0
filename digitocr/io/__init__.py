"""A file's bytes to pages, decoded where hostile bytes can do no harm."""
