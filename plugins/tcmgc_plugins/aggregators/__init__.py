"""Score aggregators."""
