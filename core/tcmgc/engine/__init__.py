"""Training and evaluation of a model on the frames and captions of a data set."""
