"""A contact sheet as one HTML file that needs no other."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from .clip import Caption
    from .contact_sheet import SheetClip

COLOURS = ("#3569b5", "#b5562f", "#2f8556", "#8a4fa3", "#96801f", "#a33a5c")
"""Of moments, in their order."""
STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
.row { width: fit-content; max-width: 100%; }
.strip { display: flex; gap: 2px; overflow-x: auto; }
figure { margin: 0; flex: none; } img { display: block; }
figcaption, .where { font-size: .75rem; opacity: .7; }
ul { list-style: none; padding: 0; margin: .6rem 0 0; width: 0; min-width: 100%; }
li { margin: .5rem 0; }
.bar { position: relative; height: .5rem; background: var(--soft); border-radius: 3px; margin-top: .2rem; }
.bar i { position: absolute; top: 0; bottom: 0; border-radius: 3px; min-width: 2px; }
mark { background: none; color: inherit; text-decoration: underline 2px; text-underline-offset: 3px; }
"""


def sheet_html(title: str, rows: Sequence[SheetClip]) -> str:
    """Write a contact sheet.

    Parameters
    ----------
    title
        What it shows.
    rows
        Its clips. Moments are drawn below their caption; the words about one bear its colour.

    Returns
    -------
    str
        HTML with pictures inside; every text of the data set is escaped.
    """
    clips = "\n".join(map(_clip, rows))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{clips}\n</body>\n</html>\n"
    )


def _clip(row: SheetClip) -> str:
    frames = "".join(
        f'<figure><img src="{_data_uri(frame)}" width="{frame.width}" height="{frame.height}" '
        f'alt="frame at {time:.2f} seconds"><figcaption>{time:.2f} s</figcaption></figure>'
        for frame, time in zip(row.frames, row.times, strict=True)
    )
    captions = "".join(f"<li>{_text(caption)}{_bar(caption, row.seconds)}</li>" for caption in row.captions)
    return (
        f"<article>\n<h2>{escape(row.clip.id)} "
        f'<span class="where">{row.seconds:.2f} s, {escape(row.clip.path.name)}</span></h2>\n'
        f'<div class="row"><div class="strip">{frames}</div>\n<ul>{captions}</ul></div>\n</article>'
    )


def _text(caption: Caption) -> str:
    """Write a caption, the words that link to a moment underlined in its colour."""
    parts, at = [], 0
    for link in sorted(caption.links, key=lambda link: link.start):
        if link.start < at:  # overlapping links cannot both be shown
            continue
        words = escape(caption.text[link.start : link.end])
        parts += [
            escape(caption.text[at : link.start]),
            f'<mark style="text-decoration-color:{_colour(link.moment)}">{words}</mark>',
        ]
        at = link.end
    return "".join(parts) + escape(caption.text[at:])


def _bar(caption: Caption, seconds: float) -> str:
    if not caption.moments or not seconds > 0:
        return ""
    bars = "".join(
        f'<i style="left:{_percent(moment.start, seconds)};right:{_percent(seconds - moment.end, seconds)};'
        f'background:{_colour(k)}" title="{moment.start:.2f} to {moment.end:.2f} s"></i>'
        for k, moment in enumerate(caption.moments)
    )
    return f'<div class="bar">{bars}</div>'


def _percent(part: float, whole: float) -> str:
    return f"{min(100.0, max(0.0, 100 * part / whole)):.2f}%"


def _colour(moment: int) -> str:
    return COLOURS[moment % len(COLOURS)]


def _data_uri(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
