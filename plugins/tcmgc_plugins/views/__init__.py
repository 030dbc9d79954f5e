"""Video views: the vectors of a video that a granularity looks at."""
