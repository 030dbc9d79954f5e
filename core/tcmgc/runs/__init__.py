"""Runs on a disk: what was asked, what came out, and whether it still holds."""
