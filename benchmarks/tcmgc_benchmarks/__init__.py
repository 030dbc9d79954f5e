"""Benchmarks: recipes of the published methods, protocols, and suites that compare them."""
