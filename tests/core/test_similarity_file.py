"""Reading similarity matrices and caption groups: every format, and every mistake as one error."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file
from safetensors.torch import save_file as save_torch

from tcmgc.errors import DataError
from tcmgc.files.caption_groups_file import load_groups
from tcmgc.files.similarity_file import load_similarity

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_comes_back(tmp_path: Path, dtype: str, order: str) -> None:
    stored = np.array(MATRIX, dtype=dtype, order=order)
    np.save(tmp_path / "s.npy", stored)
    loaded = load_similarity(tmp_path / "s.npy")
    np.testing.assert_array_equal(loaded, stored)
    assert loaded.dtype == stored.dtype


@pytest.mark.parametrize("name", ["scores.st", "scores"])
def test_another_extension_is_read_by_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(save({"similarity": MATRIX}))
    assert (load_similarity(path) == MATRIX).all()
    with path.open("wb") as file:
        np.save(file, MATRIX)
    assert (load_similarity(path) == MATRIX).all()


def test_a_file_of_features_is_no_similarity(tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    path.write_bytes(save({"sentence": MATRIX, "frames": np.zeros((2, 2, 3), dtype=np.float32)}))
    with pytest.raises(DataError, match="tensors frames, sentence"):
        load_similarity(path)


@pytest.mark.parametrize(
    ("tensors", "key"),
    [
        ({"similarity": MATRIX}, None),
        ({"similarity": MATRIX, "other": MATRIX + 1}, None),
        ({"scores": MATRIX}, None),
        ({"similarity": MATRIX + 1, "scores": MATRIX}, "scores"),
    ],
)
def test_safetensors_comes_back(tmp_path: Path, tensors: dict[str, np.ndarray], key: str | None) -> None:
    save_file(tensors, tmp_path / "s.safetensors")
    np.testing.assert_array_equal(load_similarity(str(tmp_path / "s.safetensors"), key), MATRIX)


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.npy", b"", "an empty file"),
        ("s.npy", b"noise, noise", "no .npy header"),
        ("s.npy", pickle.dumps(MATRIX), "a pickle"),
        ("s.npy", b"PK\x03\x04 and so on", "a zip archive"),
        ("s.npy", npy(MATRIX)[:-1], "a damaged .npy file"),
        ("s.npy", npy(MATRIX)[:20], "a damaged .npy file"),
        ("s.npy", npy(MATRIX).replace(b"(4, 3)", b"(4,9999999999999)"), "a damaged .npy file"),
        ("s.npy", npy(MATRIX[0]), r"shape \[3\]"),
        ("s.npy", npy(MATRIX[None]), r"shape \[1, 4, 3\]"),
        ("s.npy", npy(MATRIX[:0]), r"an empty matrix of shape \[0, 3\]"),
        ("s.npy", npy(MATRIX.astype(int)), "dtype int64"),
        ("s.npy", npy(np.array([["a"]])), "dtype <U1"),
        ("s.npy", npy(np.zeros((2, 2), dtype="f4,f4")), "found:    dtype"),
        ("s.safetensors", b"", "an empty file"),
        ("s.safetensors", b"noise, noise", "no readable safetensors"),
        ("s.safetensors", pickle.dumps(MATRIX), "pickle"),
        ("s.safetensors", b"PK\x03\x04 and so on", "PyTorch checkpoint"),
        ("s.safetensors", save({"similarity": MATRIX})[:-1], "no readable safetensors"),
        ("s.safetensors", save({"similarity": MATRIX[0]}), r"shape \[3\]"),
        ("s.safetensors", save({"similarity": MATRIX.astype(int)}), "dtype I64"),
        ("s.safetensors", save({"a": MATRIX, "b": MATRIX}), "tensors a, b\n"),
        ("s.safetensors", save({"a": MATRIX[0]}), "tensors a\n"),
        ("s.safetensors", save({}), "tensors none\n"),
        ("s.csv", b"1,2\n", "extension '.csv'"),
        ("s", b"1,2\n", "no extension"),
    ],
)
def test_a_wrong_matrix_is_one_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_similarity(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["s.npy", "s.safetensors", "s.csv"])
def test_a_missing_matrix_is_one_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_similarity(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="is a directory"):
        load_similarity(tmp_path / name)


def test_keys(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", MATRIX)
    with pytest.raises(DataError, match="no key"):
        load_similarity(tmp_path / "s.npy", "similarity")
    save_file({"scores": MATRIX}, tmp_path / "s.safetensors")
    with pytest.raises(DataError, match="did you mean 'scores'"):
        load_similarity(tmp_path / "s.safetensors", "score")


def test_a_dtype_that_numpy_lacks_is_one_error(tmp_path: Path) -> None:
    save_torch({"similarity": torch.zeros(2, 2, dtype=torch.bfloat16)}, tmp_path / "s.safetensors")
    with pytest.raises(DataError, match="dtype BF16"):
        load_similarity(tmp_path / "s.safetensors")


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(["s.npy", "s.safetensors"]),
    place=st.integers(0, 200),
    noise=st.binary(min_size=1, max_size=9),
)
def test_a_damaged_file_is_a_data_error_or_a_matrix(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: int, noise: bytes
) -> None:
    whole = npy(MATRIX) if name == "s.npy" else save({"similarity": MATRIX})
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    with suppress(DataError):
        assert load_similarity(path).ndim == 2


def write(path: Path, content: Any) -> Path:
    if path.suffix == ".npy":
        np.save(path, np.array(content))
    elif path.suffix == ".txt":
        path.write_text("".join(f"{number}\n" for number in content))
    else:
        path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("name", ["g.json", "g.txt", "g.npy"])
def test_groups_are_columns_or_counts(tmp_path: Path, name: str) -> None:
    columns = write(tmp_path / name, [1, 0, 2, 1])
    np.testing.assert_array_equal(load_groups(columns, 4, 3), [1, 0, 2, 1])
    counts = write(tmp_path / name, [1, 2, 1])
    np.testing.assert_array_equal(load_groups(counts, 4, 3), [0, 1, 1, 2])
    square = write(tmp_path / name, [2, 0, 1])
    np.testing.assert_array_equal(load_groups(square, 3, 3), [2, 0, 1])


@pytest.mark.parametrize(
    "content",
    [
        {"videos": ["b", "a", "c"], "texts": ["a", "b", "c", "a"]},
        {"videos": [7, 3, 8], "texts": [3, 7, 8, 3], "source": "ignored"},
    ],
)
def test_groups_by_id(tmp_path: Path, content: dict[str, list[Any]]) -> None:
    np.testing.assert_array_equal(load_groups(write(tmp_path / "g.json", content), 4, 3), [1, 0, 2, 1])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.json", b"", "an empty file"),
        ("g.json", b"\xff\xfe\x00", "no UTF-8 text"),
        ("g.json", b"[1, 2", "no JSON"),
        ("g.json", b"[" * 100_000, "no JSON"),
        ("g.json", b"3", "found:    3"),
        ("g.json", b"[0, 1, 2, 1.0]", "entry 3\n  found:    1.0"),
        ("g.json", b"[0, 1, 2, true]", "entry 3\n  found:    True"),
        ("g.json", b"[0, 1, 2, [1]]", "entry 3"),
        ("g.json", b"[]", "0 entries"),
        ("g.json", b"[0, 1, 2, 1, 1]", "5 entries\n  expected: 4.* or 3 caption counts"),
        ("g.json", b"[0, 1, 2, 3]", "text 3\n  found:    video column 3"),
        ("g.json", b"[0, 1, 2, -1]", "text 3\n  found:    video column -1"),
        ("g.json", b"[0, 1, 2, 99999999999999999999]", "video column 99999999999999999999"),
        ("g.json", b"[0, 1, 1, 1]", "no text for 1 of 3 videos"),
        ("g.json", b"[1, 1, 1]", "sum to 3"),
        ("g.json", b"[0, 2, 2]", "video 0\n  found:    0 captions"),
        ("g.json", b"{}", "an object of nothing"),
        ("g.json", b'{"video": [1], "texts": []}', "did you mean 'video'"),
        ("g.json", b'{"videos": 3, "texts": []}', "videos\n  found:    3"),
        ("g.json", b'{"videos": ["a", "b", null], "texts": []}', r"videos\[2\]\n  found:    None"),
        ("g.json", b'{"videos": ["a", "b"], "texts": []}', "2 ids\n  expected: 3, one for each column"),
        ("g.json", b'{"videos": ["a", "b", "c"], "texts": ["a"]}', "1 ids\n  expected: 4, one for each row"),
        ("g.json", b'{"videos": ["a", "b", "a"], "texts": ["a", "a", "b", "b"]}', r"videos\[2\]"),
        (
            "g.json",
            b'{"videos": ["video1", "b", "c"], "texts": ["video1", "b", "c", "vidoe1"]}',
            "did you mean",
        ),
        ("g.txt", b"0\n1\nx\n2\n", "line 3\n  found:    'x'"),
        ("g.txt", b"0\n\n1\n2\n", "line 2"),
        ("g.txt", b"0 1 2 1\n", "line 1"),
        ("g.txt", b"\n", "0 entries"),
        ("g.npy", b"0\n1\n", "no .npy header"),
        ("g.npy", pickle.dumps([0, 1]), "a pickle"),
        ("g.npy", npy(np.zeros(4)), "float64"),
        ("g.npy", npy(np.zeros((4, 1), dtype=int)), r"shape \[4, 1\]"),
        ("g.npy", npy(np.array([0, 1, 2, 2**63], dtype=np.uint64)), "video column 9223372036854775808"),
        ("g.csv", b"0\n", "extension '.csv'"),
    ],
)
def test_wrong_groups_are_one_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_groups(path, 4, 3)
    assert str(path) in str(caught.value)


def test_missing_groups_are_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_groups(tmp_path / "g.json", 4, 3)
