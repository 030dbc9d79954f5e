"""VATEX: ten English captions of ten seconds of video."""
