"""Similarities that are a vector a pair: one text vector, or one visual vector."""


def vector_dim(text_length: int, video_length: int, what: str) -> int:
    """Return the dimension, -2 or -1, along which a pair's similarity is a vector.

    Raises
    ------
    ValueError
        When it is a matrix.
    """
    if text_length > 1 and video_length > 1:
        raise ValueError(
            f"{what} takes a vector a pair, but gets a {text_length} x {video_length} matrix; "
            "a bi-directional component takes matrices"
        )
    return -2 if text_length > 1 else -1
