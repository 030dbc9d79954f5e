"""Texts that cannot ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tcmgc import DataError
from tcmgc.search.query import refuse_query

if TYPE_CHECKING:
    from tcmgc.search.searcher import Searcher


@pytest.mark.parametrize("text", ["", "  ", "\t\n"])
def test_empty(text: str, searcher: Searcher) -> None:
    with pytest.raises(DataError, match="query\n  found:    an empty text"):
        searcher.search(text)


def test_as_many_words_as_there_is_room_for(searcher: Searcher) -> None:
    encoder = searcher.model.model.encoder
    assert encoder.words == 36
    fits = "red " * 34  # start and end are tokens, too
    assert encoder.tokenize([fits]).mask.all()
    refuse_query(encoder, fits)
    searcher.search(fits)
    with pytest.raises(DataError, match=r"at least 37 tokens, start and end(.|\n)*at most 36"):
        searcher.search(fits + "red")
    with pytest.raises(DataError, match=r"query 'red red .*\.\.\.'\n"):
        searcher.search("red " * 500)


def test_punctuation_counts(searcher: Searcher) -> None:
    encoder = searcher.model.model.encoder
    refuse_query(encoder, "a red, round circle, moves" + " red" * 27)
    with pytest.raises(DataError, match="at least 37 tokens"):
        refuse_query(encoder, "a red, round circle, moves" + " red" * 28)
