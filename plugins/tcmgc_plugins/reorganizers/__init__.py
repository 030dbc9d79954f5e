"""Similarity reorganizers: pruning and fusing."""
