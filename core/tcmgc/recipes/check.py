"""Checks of a resolved recipe that look at more than one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest

if TYPE_CHECKING:
    from .resolve import Resolved


def check(resolved: Resolved) -> None:
    """Refuse references that lead nowhere and sections that exclude each other.

    Raises
    ------
    ConfigError
        For the first mistake.
    """
    config = resolved.config
    if config["scorer"] is None:
        _check_granular(resolved)
        return
    for section in ("views", "granularities", "aggregator"):
        if config[section]:
            raise ConfigError(
                resolved.where(section),
                found=f"{section} beside a scorer",
                expected=f"a scorer, or views, granularities and aggregator; {section}=null takes it out",
            )


def _check_granular(resolved: Resolved) -> None:
    config = resolved.config
    if not config["granularities"]:
        raise ConfigError(
            resolved.where("granularities"), found="no granularity", expected="at least one, or a scorer"
        )
    for name in config["views"]:
        _check_view(resolved, name)
    for name, granularity in config["granularities"].items():
        if granularity["video"] not in config["views"]:
            raise ConfigError(
                resolved.where("granularities", name, "video"),
                found=f"unknown view {granularity['video']!r}",
                expected=f"one of {', '.join(config['views'])}"
                if config["views"]
                else "a view, but there are none",
                hint=nearest(granularity["video"], config["views"]),
            )
    if config["aggregator"] is None and len(config["granularities"]) > 1:
        raise ConfigError(
            resolved.where("aggregator"),
            found=f"no aggregator for {len(config['granularities'])} granularities",
            expected="an aggregator",
        )


def _check_view(resolved: Resolved, name: str) -> None:
    views = resolved.config["views"]
    shared = views[name]["share"]
    if shared is None:
        return
    where = resolved.where("views", name, "share")
    if shared not in views or shared == name:
        others = [other for other in views if other != name]
        raise ConfigError(
            where,
            found=f"unknown view {shared!r}",
            expected=f"one of {', '.join(others)}",
            hint=nearest(shared, others),
        )
    if views[shared]["share"] is not None:
        raise ConfigError(
            where,
            found=f"{shared!r}, which shares itself",
            expected=f"{views[shared]['share']!r}, whose weights they are",
        )
    if views[name].get("name", views[shared]["name"]) != views[shared]["name"]:
        raise ConfigError(
            resolved.where("views", name, "name"),
            found=f"{views[name]['name']!r} sharing {shared!r}, a {views[shared]['name']!r}",
            expected="the same component, or no `name` beside `share`",
        )
