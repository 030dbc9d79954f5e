"""tcmgc: a plugin-based laboratory for text-video retrieval.

Names below are imported when they are first used, so that ``import tcmgc`` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import ConfigError, DataError, PluginError, TcmgcError
from .hooks import hookimpl
from .sizes import Size

if TYPE_CHECKING:
    from .api import build, evaluate, load, metrics, run
    from .api_checkpoints import export_checkpoint, import_checkpoint, score_videos
    from .builder import Sizes
    from .features import TextFeatures, Tokens, VideoFeatures
    from .files.features_file import load_features
    from .files.weights_file import load_weights
    from .model import LossResult, RetrievalModel
    from .ranking import Direction
    from .register import Register
    from .scores import Scores
    from .similarity import Similarity
    from .visual import Dense, Shared, Visual

__version__ = "0.1.0"

_HOMES = {
    "build": "api",
    "evaluate": "api",
    "export_checkpoint": "api_checkpoints",
    "import_checkpoint": "api_checkpoints",
    "score_videos": "api_checkpoints",
    "load": "api",
    "metrics": "api",
    "run": "api",
    "Sizes": "builder",
    "TextFeatures": "features",
    "Tokens": "features",
    "VideoFeatures": "features",
    "load_features": "files.features_file",
    "load_weights": "files.weights_file",
    "LossResult": "model",
    "RetrievalModel": "model",
    "Register": "register",
    "Scores": "scores",
    "Similarity": "similarity",
    "Direction": "ranking",
    "Dense": "visual",
    "Shared": "visual",
    "Visual": "visual",
}

__all__ = [
    "ConfigError",
    "DataError",
    "Dense",
    "Direction",
    "LossResult",
    "PluginError",
    "Register",
    "RetrievalModel",
    "Scores",
    "Shared",
    "Similarity",
    "Size",
    "Sizes",
    "TcmgcError",
    "TextFeatures",
    "Tokens",
    "VideoFeatures",
    "Visual",
    "build",
    "evaluate",
    "export_checkpoint",
    "hookimpl",
    "import_checkpoint",
    "load",
    "load_features",
    "load_weights",
    "metrics",
    "run",
    "score_videos",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tcmgc' has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
