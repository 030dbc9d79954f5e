"""A data set of one's own: a folder of videos and a table."""
