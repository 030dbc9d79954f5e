"""Finding a data set's annotation files by their names, and counting what is in them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

from .mock_note import read_mock_note
from .walk import Walk, walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class AnnotationFiles:
    """The annotation files below a folder.

    Parameters
    ----------
    dataset
        What errors call the data set.
    folder
        They may lie in it or in folders below it.
    official
        By file name, how many rows the published file has: captions, ids, or what a row is in it.
    own_lists
        Whether files may hold other numbers.
    follow_links
        As `tcmgc_plugins.datasets.annotated.walk.walk` takes it.
    """

    def __init__(
        self, dataset: str, folder: Path, *, official: Mapping[str, int], own_lists: bool, follow_links: bool
    ) -> None:
        self.dataset = dataset
        self.folder = folder
        self._official = official
        self._own_lists = own_lists
        self._follow_links = follow_links

    @cached_property
    def walked(self) -> Walk:
        """All files below the folder."""
        return walk(self.folder, f"{self.dataset}: folder", follow_links=self._follow_links)

    @cached_property
    def mock(self) -> Mapping[str, int] | None:
        """Rows by file name, where the folder is a miniature; None where it is not."""
        return read_mock_note(self.folder, self.dataset)

    def find(self, *names: str) -> Path:
        """Return the first of several files that is there.

        Raises
        ------
        DataError
            When none is, or one of them is there twice with other content.
        """
        for name in names:
            if (path := self._only(name)) is not None:
                return path
        where = "annotations" if self.mock is None else "miniature's annotations"
        refused = [f"{path.name} is {why}" for path, why in self.walked.refused.items() if path.name in names]
        names_there = ", ".join(path.name for path in self.walked.files[:3])
        there = (
            f"none; {len(self.walked.files):,} files, as {names_there}" if names_there else "no file at all"
        )
        found = f"{refused[0]} (dataset.follow_links=true follows links)" if refused else there
        raise DataError(
            f"{self.dataset}: {where} in {self.folder}",
            found=found,
            expected=" or ".join(names),
            hint=f"dataset.annotations=DIR names their folder; tcmgc data links {self.dataset} says where "
            "to obtain them",
        )

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._only(name) is not None

    def check(self, path: Path, found: int, what: str) -> None:
        """Compare a file's rows with the published number, where that is known.

        Raises
        ------
        DataError
            When they differ and own lists are not allowed.
        """
        expected = (self._official if self.mock is None else self.mock).get(path.name)
        if self._own_lists or expected is None or found == expected:
            return
        published = "in the published file" if self.mock is None else "in the miniature, as it was made"
        raise DataError(
            f"{self.dataset}: {path}",
            found=f"{found:,} {what}",
            expected=f"{expected:,}, as {published}",
            hint="dataset.own_lists=true takes other lists, and the fingerprint then says so",
        )

    def _only(self, name: str) -> Path | None:
        paths = [path for path in self.walked.files if path.name == name]
        if len(paths) > 1:
            first = paths[0].read_bytes()
            for other in paths[1:]:
                if other.read_bytes() != first:
                    raise DataError(
                        f"{self.dataset}: {name}",
                        found=f"two that differ: {paths[0]} and {other}",
                        expected="one",
                        hint="dataset.annotations=DIR names the folder of the right one",
                    )
        return paths[0] if paths else None
