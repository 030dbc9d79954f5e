"""Readers: pixels of video files."""
