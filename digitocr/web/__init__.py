"""The review page: a person settles what the program was not sure of, in a browser on the same machine."""
