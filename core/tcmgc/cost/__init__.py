"""What scoring costs: arithmetic, memory, and the size of an index. No number of a result depends on it."""
