"""The command line: all commands of ``digitocr``, their options, and what they print."""
