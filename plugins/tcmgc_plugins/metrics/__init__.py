"""Retrieval metrics, one a file."""
