"""Files that cross the border: features and weights in, scores out. Only safetensors, never pickles."""
