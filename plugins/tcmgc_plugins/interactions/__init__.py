"""Interactions: a pair's similarity matrix to one number."""
