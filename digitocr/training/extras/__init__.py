"""The commands of the MNIST tutorials: train, evaluate, rotations, predict, models, compare, export."""
