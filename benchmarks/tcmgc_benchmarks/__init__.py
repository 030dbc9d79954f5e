"""Benchmarks: the recipes of the published methods."""
