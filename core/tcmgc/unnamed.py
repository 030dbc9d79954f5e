"""Choices of a component that are no part of its name in tables."""


class Unnamed:
    """Marks a constructor parameter of several words that a component is not named by.

    A data set of size ``mini`` is another one, and tables name it so. One whose files are looked for in
    another way is the same one, if the same files are found: what was found is in the fingerprint itself.
    """

    def __repr__(self) -> str:
        return "Unnamed()"
