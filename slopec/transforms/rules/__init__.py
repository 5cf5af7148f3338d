"""The derivative of every op, one short paragraph each, a file per family."""
