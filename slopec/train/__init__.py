"""Training: data, recipes, the loop, checkpoints and logs."""
