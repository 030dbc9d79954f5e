"""MSVD's files: captions in JSON or in a pickle, lists of ids."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NoReturn

from tcmgc.errors import DataError
from tcmgc_plugins.datasets.annotated.entry import Entry, all_captions, sentences
from tcmgc_plugins.datasets.annotated.text_file import expect, read_json, read_list

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
CAPTIONS = "captions_msvd.json"
WORDS = "raw-captions.pkl"
OFFICIAL = {"train_list.txt": 1_200, "val_list.txt": 100, "test_list.txt": 670, CAPTIONS: 80_827}


def read_annotations(files: AnnotationFiles, captions: str | None) -> Annotations:
    """Read all splits; the parameters are those of `Msvd`.

    Raises
    ------
    DataError
        For a file that is missing, damaged, or holds another number of rows than the published one.
    """
    path = files.find(CAPTIONS, WORDS) if captions is None else files.find(captions)
    told = _words(path) if path.suffix == ".pkl" else _captions(path)
    files.check(path, sum(map(len, told.values())), "captions")
    splits = {}
    for name in SPLITS:
        listed = files.find(f"{name}_list.txt")
        ids = read_list(listed)
        files.check(listed, len(ids), "ids")
        splits[name] = all_captions([_entry(clip, told.get(clip, [])) for clip in ids])
    return splits


def _entry(clip: str, texts: list[str]) -> Entry:
    return Entry(clip, sentences(texts), source=clip.rsplit("_", 2)[0])


def _captions(path: Path) -> dict[str, list[str]]:
    content: dict[str, Any] = expect(path, read_json(path), dict, "the file")
    return {
        clip: [expect(path, text, str, f"a caption of {clip}") for text in expect(path, texts, list, clip)]
        for clip, texts in content.items()
    }


def _words(path: Path) -> dict[str, list[str]]:
    """Read CLIP4Clip's file, lists of words by video, and join them by blanks as it does."""
    try:
        with path.open("rb") as file:
            content = _PlainUnpickler(file, encoding="utf-8").load()
    except OSError as error:
        raise DataError(
            f"file {path}", found=error.strerror or str(error), expected="a file that can be read"
        ) from None
    except DataError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise DataError(
            f"file {path}", found=f"no whole pickle: {error}", expected="{id: [[word, ...], ...]}"
        ) from None
    told = {}
    for clip, captions in expect(path, content, dict, "the file").items():
        expect(path, clip, str, "an id")
        told[clip] = [
            " ".join(
                expect(path, word, str, clip) for word in expect(path, words, list, f"a caption of {clip}")
            )
            for words in expect(path, captions, list, clip)
        ]
    return told


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and mappings; a pickle that names any code is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse it."""
        raise DataError(
            f"pickle of captions: {module}.{name}",
            found="code that would run",
            expected="lists of words by video, nothing else",
        )
