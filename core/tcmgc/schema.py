"""A component's parameters, read off its typed, keyword-only constructor.

The signature is the schema: pydantic checks a config against it, parameters annotated `Size` are
injected, and a parameter annotated with the contract of a slot takes a nested component.
"""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Union

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.errors import PydanticUserError

from .errors import PluginError
from .sizes import Injected
from .slots import SLOTS

CONFIG = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=False, allow_inf_nan=False)


@dataclass(frozen=True)
class SlotRef:
    """Marks a field of a config that holds a component of ``slot``.

    As metadata of a pydantic field whose own type is ``Any``: the recipe resolver looks the component
    up and checks it against its own schema.
    """

    slot: str


@dataclass(frozen=True)
class ComponentSchema:
    """What a component takes.

    Parameters
    ----------
    model
        Pydantic model of the parameters a recipe may set; nested components are `SlotRef` fields.
    injected
        Names of the sizes the framework fills.
    """

    model: type[BaseModel]
    injected: tuple[str, ...]


def slot_fields(model: type[BaseModel]) -> dict[str, str]:
    """Map the fields of a model that hold components to their slots."""
    return {
        name: ref.slot
        for name, info in model.model_fields.items()
        for ref in info.metadata
        if isinstance(ref, SlotRef)
    }


def component_schema(component: type | typing.Callable[..., object], label: str) -> ComponentSchema:
    """Read the schema off a constructor.

    Parameters
    ----------
    component
        A class, or a function that returns a component.
    label
        What errors call it, as ``aggregator 'lsa'``.

    Raises
    ------
    PluginError
        When a parameter has no annotation, is not keyword-only, or cannot be a config value.
    """
    constructor = component.__init__ if inspect.isclass(component) else component
    if constructor is object.__init__:
        return ComponentSchema(create_model(label, __config__=CONFIG), ())
    try:
        hints = typing.get_type_hints(constructor, include_extras=True)
    except Exception as error:
        raise PluginError(
            f"{label}: its constructor's annotations",
            found=f"{type(error).__name__}: {error}",
            expected="annotations that can be resolved at run time (no TYPE_CHECKING-only imports)",
        ) from None
    fields: dict[str, Any] = {}
    injected: list[str] = []
    for parameter in _parameters(component, label):
        name = parameter.name
        if name not in hints:
            raise PluginError(
                f"{label}: parameter {name!r}", found="no annotation", expected="a type, as `rate: float`"
            )
        annotation = hints[name]
        if _is_injected(annotation):
            injected.append(name)
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        slot = _slot_of(annotation)
        fields[name] = (annotation if slot is None else Annotated[Any, SlotRef(slot)], default)
    try:
        model = create_model(label, __config__=CONFIG, **fields)
    except (PydanticUserError, NameError, TypeError) as error:
        raise PluginError(
            f"{label}: its constructor's annotations",
            found=str(error).splitlines()[0],
            expected="numbers, strings, booleans, literals, lists and mappings of them, or slot contracts",
        ) from None
    return ComponentSchema(model, tuple(injected))


def _parameters(component: typing.Callable[..., object], label: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(component).parameters.values())
    except (ValueError, TypeError) as error:
        raise PluginError(
            f"{label}: its constructor", found=str(error), expected="a readable signature"
        ) from None
    for parameter in parameters:
        if parameter.name == "name":
            raise PluginError(
                f"{label}: parameter 'name'",
                found="the key that names the component",
                expected="another name",
            )
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise PluginError(
                f"{label}: parameter {parameter.name!r}",
                found=f"a {parameter.kind.description} parameter",
                expected="a keyword-only one, as in `def __init__(self, *, rate: float = 0.1)`",
            )
    return parameters


def _is_injected(annotation: object) -> bool:
    return any(isinstance(mark, Injected) for mark in getattr(annotation, "__metadata__", ()))


def _slot_of(annotation: object) -> str | None:
    """Name the slot whose contract the annotation is, or is optionally."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        slots = [_slot_of(option) for option in typing.get_args(annotation)]
        return next((slot for slot in slots if slot is not None), None)
    contract = typing.get_origin(annotation) or annotation
    # By name: importing the contracts would import torch, which metrics need not.
    target = f"{getattr(contract, '__module__', '')}:{getattr(contract, '__qualname__', '')}"
    return next((slot for slot, known in SLOTS.items() if known == target), None)


def describe_type(annotation: object, metadata: typing.Sequence[object] = ()) -> str:
    """Say a parameter's type and range to a person, as ``float in (0, 1]``."""
    if typing.get_origin(annotation) is Annotated:
        inner, *more = typing.get_args(annotation)
        unpacked = [m for mark in more for m in getattr(mark, "metadata", [mark])]
        return describe_type(inner, [*unpacked, *metadata])
    refs = [mark.slot for mark in metadata if isinstance(mark, SlotRef)]
    if refs:
        return f"a {refs[0]}"
    bounds = {
        key: getattr(mark, key) for mark in metadata for key in ("gt", "ge", "lt", "le") if hasattr(mark, key)
    }
    return _type_name(annotation) + _range(bounds)


def _type_name(annotation: object) -> str:
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(describe_type(option) for option in typing.get_args(annotation))
    if origin is typing.Literal:
        return " | ".join(map(repr, typing.get_args(annotation)))
    if annotation is type(None):
        return "null"
    if origin is not None:
        return str(annotation).replace("typing.", "").replace("collections.abc.", "")
    return getattr(annotation, "__name__", str(annotation))


def _range(bounds: dict[str, Any]) -> str:
    if not bounds:
        return ""
    low = bounds.get("gt", bounds.get("ge"))
    high = bounds.get("lt", bounds.get("le"))
    if high is None:
        return f" {'>' if 'gt' in bounds else '>='} {low}"
    if low is None:
        return f" {'<' if 'lt' in bounds else '<='} {high}"
    return f" in {'(' if 'gt' in bounds else '['}{low}, {high}{')' if 'lt' in bounds else ']'}"
