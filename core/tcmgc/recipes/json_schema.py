"""The JSON Schema of recipes, so that editors complete and check them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from tcmgc.schema import slot_fields
from tcmgc.slots import SLOTS

from .structure import (
    SECTIONS,
    GranularityKeys,
    LogitScaleKeys,
    LossKeys,
    RecipeKeys,
    SelectionKeys,
    TrainingKeys,
    ViewKeys,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tcmgc.registry import Entry, Registry

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NOT_IN_RECIPES = ("metric", "kernel")


def recipe_schema(registry: Registry) -> dict[str, Any]:
    """Make the schema of every component of the loaded plugins; imports them all.

    Raises
    ------
    PluginError
        When a component does not import or its constructor is no schema.
    """
    slots = [slot for slot in SLOTS if slot not in NOT_IN_RECIPES]
    definitions: dict[str, Any] = {slot: _slot(registry, slot, None) for slot in slots}
    definitions["view"] = _slot(registry, "view", ViewKeys, also=[_shared_view()])
    definitions["loss"] = _slot(registry, "loss", LossKeys, also=[{"type": "number"}], named=False)
    definitions["granularity"] = _object(GranularityKeys)
    top = _object(RecipeKeys)
    top["properties"] |= _sections()
    top["properties"]["base"] = {
        "type": "string",
        "description": "a recipe, by name or file, that this one changes",
    }
    return {"$schema": DRAFT, "title": "tcmgc recipe", **top, "$defs": definitions}


def _sections() -> dict[str, Any]:
    stages = {"type": "array", "items": {"$ref": "#/$defs/stage"}}
    training = _object(TrainingKeys)
    training["properties"]["selection"] = _object(SelectionKeys)
    sections: dict[str, Any] = {
        "training": {"anyOf": [training, {"type": "null"}]},
        "stages": {
            "type": "object",
            "properties": {"text": stages, "video": stages},
            "additionalProperties": False,
        },
        "views": _named("view"),
        "granularities": _named("granularity"),
        "losses": _named("loss"),
        "logit_scale": _object(LogitScaleKeys),
    }
    for section, text in SECTIONS.items():
        sections.setdefault(section, {"anyOf": [{"$ref": f"#/$defs/{section}"}, {"type": "null"}]})
        sections[section]["description"] = text
    return sections


def _named(definition: str) -> dict[str, Any]:
    entry = {"anyOf": [{"$ref": f"#/$defs/{definition}"}, {"type": "null"}]}
    return {"type": "object", "additionalProperties": entry}


def _slot(
    registry: Registry,
    slot: str,
    keys: type[BaseModel] | None,
    *,
    also: list[dict[str, Any]] | None = None,
    named: bool = True,
) -> dict[str, Any]:
    names = registry.names(slot)
    components = [_component(registry.entries[slot, name], keys, named) for name in names]
    return {"anyOf": [{"enum": names}, *components, *(also or [])]}


def _component(entry: Entry, keys: type[BaseModel] | None, named: bool) -> dict[str, Any]:
    schema = _object(entry.schema.model)
    if keys is not None:
        schema["properties"] = _object(keys)["properties"] | schema["properties"]
    schema["properties"] = {"name": {"const": entry.name}, **schema["properties"]}
    if named:
        schema["required"] = ["name", *schema.get("required", [])]
    schema["title"] = entry.label
    schema["description"] = (inspect.getdoc(entry.component) or "").split("\n\n", maxsplit=1)[0]
    return schema


def _shared_view() -> dict[str, Any]:
    schema = _object(ViewKeys)
    schema["properties"] |= {"name": {"type": "string"}}
    schema["required"] = ["share"]
    schema["title"] = "a view with another's weights"
    return schema


def _object(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema; nested components are references, nullable where they may be absent."""
    schema = model.model_json_schema()
    for name, slot in slot_fields(model).items():
        reference = {"$ref": f"#/$defs/{slot}"}
        required = model.model_fields[name].is_required()
        schema["properties"][name] = reference if required else {"anyOf": [reference, {"type": "null"}]}
    schema.pop("description", None)
    return schema
