"""What is to be run: rows with their labels, seeds and comparisons, decided before anything starts."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.load import Overrides, Recipe, finish, parse_overrides
from tcmgc.recipes.overrides import Override, matches
from tcmgc.recipes.structure import PROTOCOL_SECTIONS

from .suite_file import Comparison, SuiteFile, SuiteRow, read_suite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from tcmgc.registry import Registry


LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Row:
    """A method of an experiment.

    Parameters
    ----------
    label
        What reports call it.
    recipe
        Resolved, its protocol included.
    overrides
        Those of the suite, the row and the command line that reached it, as they were written.
    """

    label: str
    recipe: Recipe
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """An experiment.

    Parameters
    ----------
    name
        The suite's; None where one recipe is run.
    title
        What reports call it.
    seeds
        Every row is run with each.
    rows
        In order, their labels distinct.
    comparisons
        Questions about rows.
    """

    name: str | None
    title: str
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class _Draft:
    """A row while overrides reach it."""

    label: str
    named: str
    draft: Draft
    overrides: tuple[str, ...]

    def override(self, override: Override, *, labelled: bool) -> _Draft:
        shown = labelled and override.path[0] not in PROTOCOL_SECTIONS
        return replace(
            self,
            label=f"{self.label} {override.text}" if shown else self.label,
            draft=self.draft.override(override),
            overrides=(*self.overrides, override.text),
        )


def plan_recipe(
    registry: Registry,
    recipe: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    seeds: Sequence[int] | int | None = None,
) -> Plan:
    """Plan the runs of one recipe.

    Parameters
    ----------
    registry
        Where names are looked up.
    recipe, variant, overrides
        As in `tcmgc.recipes.load.load_recipe`.
    protocol
        In place of the recipe's own.
    seeds
        Distinct whole numbers from 0, or one; 0 when left out.
    """
    parsed, chosen_seeds = _parsed(overrides), check_seeds(seeds, (0,))
    row = SuiteRow(str(recipe), variant, (), None, "")
    draft = _start(registry, row, recipe, None if protocol is None else (protocol, None))
    for override in parsed:
        draft = draft.override(override, labelled=True)
    return Plan(None, draft.label, chosen_seeds, (_finish(draft),))


def check_seeds(
    seeds: Iterable[int] | int | None, otherwise: tuple[int, ...], where: str = "seeds"
) -> tuple[int, ...]:
    """Check seeds, or a single one.

    Parameters
    ----------
    seeds
        Distinct whole numbers from 0; None for those of ``otherwise``.
    otherwise
        Right already.
    where
        What errors call them.

    Raises
    ------
    ConfigError
        When they are none, or something else.
    """
    if seeds is None:
        return otherwise
    expected = f"distinct whole numbers from 0 to {LARGEST_SEED}, at least one, as [0, 1, 2]"
    error = ConfigError(where, found=repr(seeds), expected=expected)
    try:
        given = tuple(seeds) if isinstance(seeds, Iterable) else (seeds,)
        found = tuple(operator.index(seed) for seed in given if not isinstance(seed, bool))
    except TypeError:
        raise error from None
    right = all(0 <= seed <= LARGEST_SEED for seed in found)
    if not found or not right or len(set(found)) != len(given):
        raise error
    return found


def plan_suite(
    registry: Registry,
    suite: str | Path,
    *,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    seeds: Sequence[int] | int | None = None,
) -> Plan:
    """Plan the runs of a suite.

    Parameters
    ----------
    registry
        Where names are looked up.
    suite
        A registered name, or a path to a YAML file.
    protocol, seeds
        In place of the suite's.
    overrides
        One of a section that a protocol has reaches every row. Another one reaches the rows where its path
        exists, is not null, and where it changes something; their labels then say it. The other rows are
        run as they are.

    Raises
    ------
    ConfigError
        For the first mistake; when an override reaches no row.
    """
    parsed = _parsed(overrides)
    file = read_suite(registry, suite)
    chosen_seeds = check_seeds(seeds, file.seeds)
    chosen: tuple[str | Path, str | None] | None = file.protocol if protocol is None else (protocol, None)
    drafts = []
    for row in file.rows:
        draft = _start(registry, row, row.recipe, chosen)
        for override in (*file.overrides, *row.overrides):
            draft = draft.override(override, labelled=row.label is None and override in row.overrides)
        drafts.append(replace(draft, named=draft.label))
    before = {draft.named: _finish(draft) for draft in drafts}
    _refuse_doubles(file, drafts, before.values())
    for override in parsed:
        drafts = _reach(override, drafts)
    rows = [_finish(draft) for draft in drafts]
    kept, final = _without_doubles(drafts, rows)
    return Plan(file.name, file.title, chosen_seeds, tuple(kept), _comparisons(file, before, final))


def _start(
    registry: Registry, row: SuiteRow, recipe: str | Path, protocol: tuple[str | Path, str | None] | None
) -> _Draft:
    draft = Draft.read(registry, recipe, row.variant, row.origin or None)
    if protocol is not None:
        draft = draft.with_protocol(*protocol)
    elif draft.own_protocol is not None:
        node = draft.tree.value["protocol"]
        draft = draft.with_protocol(draft.own_protocol, f"{node.origin}: protocol")
    label = row.label or " ".join(filter(None, (draft.name, row.variant)))
    return _Draft(label, label, draft, ())


def _finish(draft: _Draft) -> Row:
    return Row(draft.label, finish(draft.draft), draft.overrides)


def _reach(override: Override, drafts: list[_Draft]) -> list[_Draft]:
    """Apply an override of the command line to the rows that it is for."""
    if override.path[0] in PROTOCOL_SECTIONS:
        return [draft.override(override, labelled=False) for draft in drafts]
    reached, there = [], False
    for draft in drafts:
        config = draft.draft.config()
        if not _is_there(config, override.path):
            reached.append(draft)
            continue
        there = True
        changed = draft.override(override, labelled=True)
        reached.append(changed if changed.draft.config() != config else draft)
    if not there:
        raise ConfigError(
            override.origin,
            found=f"{'.'.join(override.path)}, which no row of the suite has",
            expected="a path that at least one row has",
            hint=f"rows: {', '.join(draft.label for draft in drafts)}",
        )
    if all(new is old for new, old in zip(reached, drafts, strict=True)):
        raise ConfigError(
            override.origin,
            found="an override that changes no row: those that have the path have that value",
            expected="another value",
        )
    return reached


def _is_there(config: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a path exists with a value that is not null."""
    for place in matches(config, path):
        value: Any = config
        for key in place:
            value = value[int(key)] if isinstance(value, list) else value[key]
        if value is not None:
            return True
    return False


def _parsed(overrides: Overrides) -> list[Override]:
    """Read the overrides of the command line; a protocol is none of them."""
    parsed = list(parse_overrides(overrides))
    for override in parsed:
        if override.path == ("protocol",):
            raise ConfigError(override.origin, found="a protocol as an override", expected="--protocol NAME")
    return parsed


def _refuse_doubles(file: SuiteFile, drafts: list[_Draft], rows: Iterable[Row]) -> None:
    labels: dict[str, SuiteRow] = {}
    for row, draft in zip(file.rows, drafts, strict=True):
        if (other := labels.setdefault(draft.label, row)) is not row:
            raise ConfigError(
                f"{row.origin}: rows",
                found=f"the row {draft.label!r}, as at {other.origin}",
                expected="rows with labels of their own",
                hint="label: ANOTHER NAME",
            )
    digests: dict[str, str] = {}
    for source, resolved in zip(file.rows, rows, strict=True):
        if (twin := digests.setdefault(resolved.recipe.digest, resolved.label)) != resolved.label:
            raise ConfigError(
                f"{source.origin}: rows",
                found=f"{resolved.label!r}, which is the same model as {twin!r}",
                expected="rows that differ",
            )


def _without_doubles(drafts: list[_Draft], rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
    """Leave out rows that an override made equal to another; rows that it did not reach go first."""
    order = sorted(range(len(rows)), key=lambda index: drafts[index].label != drafts[index].named)
    first: dict[str, Row] = {}
    for index in order:
        first.setdefault(rows[index].recipe.digest, rows[index])
    kept = [row for row in rows if first[row.recipe.digest] is row]
    final = {draft.named: first[row.recipe.digest].label for draft, row in zip(drafts, rows, strict=True)}
    return kept, final


def _comparisons(file: SuiteFile, before: dict[str, Row], final: dict[str, str]) -> tuple[Comparison, ...]:
    compared = []
    for comparison in file.comparisons:
        for side in (comparison.row, comparison.against):
            if side not in before:
                raise ConfigError(
                    f"{comparison.origin}: comparisons",
                    found=f"unknown row {side!r}",
                    expected=f"one of {', '.join(before)}",
                    hint=nearest(side, before),
                )
        row, against = final[comparison.row], final[comparison.against]
        if row != against:
            compared.append(replace(comparison, row=row, against=against))
    return tuple(compared)
