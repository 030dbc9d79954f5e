"""``record.json``: what was run, under which protocol, at which cost, and what came out.

The models are the schema: ``RunRecord.model_json_schema()`` checks a file without tcmgc.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CONTENT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class IdentityParts(BaseModel):
    """What the identity is the hash of: `tcmgc.runs.identity`."""

    model_config = CONTENT
    config: Sha256
    seed: int
    weights: str
    encoder: str = ""
    fingerprint: Sha256
    splits: dict[str, Sha256] = {}
    sources: dict[str, Sha256]


class Metrics(BaseModel):
    """One direction's numbers, under the headline's and each tie policy: `tcmgc.evaluation`."""

    model_config = CONTENT
    values: dict[str, float]
    optimistic: dict[str, float]
    expected: dict[str, float]
    pessimistic: dict[str, float]
    queries: int
    items: int
    tied_queries: int


class Selection(BaseModel):
    """The epoch that was kept, counted from 1, and its number on the validation split."""

    model_config = CONTENT
    epoch: int
    metric: str
    direction: Literal["t2v", "v2t"]
    value: float


class TestAccess(BaseModel):
    """One reading of the test split."""

    __test__ = False  # not a test, whatever its name
    model_config = CONTENT
    time: str
    reason: str


class Cost(BaseModel):
    """What it took; times in seconds unless the name says otherwise.

    ``peak_memory_bytes`` is that of the whole run, ``scoring_memory_bytes`` of scoring alone. What is None by
    default was not measured: by an earlier version, or because a component failed at it.
    """

    model_config = CONTENT
    train_seconds: float | None
    evaluate_seconds: float
    parameters: int
    new_parameters: int
    trained_parameters: int
    microseconds_per_pair: float
    peak_memory_bytes: int | None
    flops_per_text: int | None = None
    flops_per_video: int | None = None
    flops_per_pair: int | None = None
    index_bytes_per_video: int | None = None
    scoring_memory_bytes: int | None = None


class Normalization(BaseModel):
    """Test-time normalisation, and what it looks at besides one query's scores."""

    model_config = CONTENT
    name: str
    needs: str


class RunRecord(BaseModel):
    """A finished run.

    ``fingerprint_fields`` is what ``fingerprint`` is the hash of; ``components`` says by ``slot name``
    where each component's class stands; ``overrides`` are those of rows and of the command line; ``notes``
    are the data set's, to be read beside the numbers.
    """

    model_config = CONTENT
    schema_version: Literal[1] = 1
    label: Annotated[str, Field(min_length=1)]
    recipe: str
    variant: str | None
    overrides: tuple[str, ...]
    seed: int
    trained: bool
    identity: Sha256
    identity_parts: IdentityParts
    protocol: str | None
    fingerprint: Sha256
    fingerprint_fields: dict[str, Any]
    dataset: str
    split: Literal["train", "val", "test"]
    metrics: dict[Literal["t2v", "v2t"], Metrics]
    selection: Selection | None
    test_access: tuple[TestAccess, ...]
    cost: Cost
    environment: dict[str, Any]
    components: dict[str, str]
    text_conditioned: bool
    normalizer: Normalization | None
    notes: tuple[str, ...] = ()
    started: str
    finished: str
