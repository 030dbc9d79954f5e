"""MSVD: short clips with 40 captions each."""
