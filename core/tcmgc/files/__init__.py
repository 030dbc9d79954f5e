"""Files that cross the border: features, weights and similarities in, scores out. Never pickles."""
