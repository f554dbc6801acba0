"""The life of files in a folder: scanned, claimed, read, archived; and the upkeep of what is left of them."""
