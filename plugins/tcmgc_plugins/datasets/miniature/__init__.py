"""Miniatures of data sets: their layout and file names, with generated videos."""
