"""Scorers that are not granular."""
