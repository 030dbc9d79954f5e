"""Writing SVG elements, everything in them escaped."""

from __future__ import annotations

from typing import TypeAlias

from markupsafe import Markup, escape

Value: TypeAlias = str | float | int
DIGITS = 2
"""After the point: a hundredth of a pixel."""


def element(name: str, /, *children: str, **attributes: Value) -> Markup:
    """Write an element.

    Parameters
    ----------
    name
        As ``circle``.
    children
        Text, which is escaped, or elements.
    attributes
        Underscores stand for hyphens, one at the end is dropped: ``class_``, ``text_anchor``.

    Returns
    -------
    Markup
        Safe to put into a page.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(_name(key), _value(value)) for key, value in attributes.items()
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)


def percent(value: float) -> str:
    """Write a position across the width of a picture.

    Parameters
    ----------
    value
        From 0 to 100.
    """
    return f"{value:.{DIGITS}f}%"


def _name(key: str) -> str:
    # SVG has names in camel case (viewBox), which have no underscore.
    return key.rstrip("_").replace("_", "-")


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")
