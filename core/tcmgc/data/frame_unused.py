"""Frames that nothing will ask for any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tcmgc.errors import TcmgcError

from .frame_cache import Damaged, read_manifest
from .frame_work import ABOUT, WORK
from .frames import frames_about
from .sampler_to_train import CHOOSES, sampler_to_train

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.registry import Registry


def is_unused(folder: Path, registry: Registry) -> bool:
    """Whether no reader and sampler that are registered now would give these frames.

    Frames are named by the versions and the sources of what decodes: after an upgrade, those of before are
    never asked for. Frames that are damaged, or of a component that is gone, are unused, too.

    Parameters
    ----------
    folder
        Of finished or unfinished frames.
    registry
        Where the components are looked up.
    """
    try:
        about = _about(folder)
        made = {
            slot: {
                key: value for key, value in about[slot].items() if key not in ("version", "source", CHOOSES)
            }
            for slot in ("reader", "sampler")
        }
        sampler, sampler_config = registry.create("sampler", made["sampler"], {}), made["sampler"]
        if CHOOSES in about["sampler"]:
            sampler, sampler_config = sampler_to_train(sampler, sampler_config)
        now = frames_about(
            registry.create("reader", made["reader"], {}),
            made["reader"],
            sampler,
            sampler_config,
            tuple(about["shape"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Damaged, TcmgcError):
        return True
    return any(about.get(key) != value for key, value in now.items())


def _about(folder: Path) -> dict[str, Any]:
    if folder.name.startswith(WORK):
        told: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))["about"]
        return told
    return read_manifest(folder)
