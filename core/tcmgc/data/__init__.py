"""Clips and captions, from files on a disk to arrays of frames."""
