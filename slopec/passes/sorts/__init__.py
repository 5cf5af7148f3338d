"""Sorting by comparing all pairs of a block at once, and by merging blocks."""
