"""Checkpoints of official repositories: to our models and back."""
