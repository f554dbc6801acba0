"""The ledger: all SQL of the program."""
