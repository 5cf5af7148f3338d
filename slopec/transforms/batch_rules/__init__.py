"""One file per family of ops: how each op is written for a whole batch at once."""
