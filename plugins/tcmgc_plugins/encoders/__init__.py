"""Encoders of captions and frames."""
