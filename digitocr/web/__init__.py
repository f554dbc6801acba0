"""The pages in the browser: people settle what the program was not sure of, add files and take tables home."""
