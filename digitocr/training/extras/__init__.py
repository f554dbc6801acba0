"""What the MNIST tutorials do: evaluate, predict, rotate, compare, export."""
