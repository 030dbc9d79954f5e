"""A contact sheet as one picture."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from .sheet_html import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contact_sheet import SheetClip

EDGE, GAP, SIZE = 16, 2, 14
LINE = SIZE + 6
BAR = 6
INK, PAPER, SOFT = "#1c1c1c", "#ffffff", "#e4e4e4"


def sheet_png(title: str, rows: Sequence[SheetClip]) -> Image.Image:
    """Draw a contact sheet; moments are bars below the caption, as long as the filmstrip is wide.

    Parameters
    ----------
    title
        What it shows.
    rows
        Its clips.
    """
    font = ImageFont.load_default(SIZE)
    strip = max(sum(frame.width + GAP for frame in row.frames) for row in rows)
    width = max(480, strip)
    letters = int(width / font.getlength("n"))
    said = [[textwrap.wrap(c.text, letters) or [""] for c in row.captions] for row in rows]
    heights = [_height(row, lines) for row, lines in zip(rows, said, strict=True)]
    sheet = Image.new("RGB", (width + 2 * EDGE, 2 * EDGE + LINE + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((EDGE, EDGE), title, INK, font)
    top = EDGE + LINE
    for row, lines, height in zip(rows, said, heights, strict=True):
        _draw(sheet, draw, font, row, lines, top)
        top += height
    return sheet


def _height(row: SheetClip, said: list[list[str]]) -> int:
    bars = sum(bool(caption.moments) for caption in row.captions) * 2 * BAR
    return EDGE + LINE + row.frames[0].height + GAP + LINE * sum(map(len, said)) + bars


def _draw(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    row: SheetClip,
    said: list[list[str]],
    top: int,
) -> None:
    y = top + EDGE
    draw.text((EDGE, y), f"{row.clip.id}  {row.seconds:.2f} s", "#777777", font)
    y += LINE
    left = EDGE
    for frame in row.frames:
        sheet.paste(frame, (left, y))
        left += frame.width + GAP
    strip = left - GAP - EDGE
    y += row.frames[0].height + GAP
    for caption, lines in zip(row.captions, said, strict=True):
        for line in lines:
            draw.text((EDGE, y), line, INK, font)
            y += LINE
        if caption.moments:
            draw.rectangle((EDGE, y, EDGE + strip, y + BAR), SOFT)
            for k, moment in enumerate(caption.moments):
                ends = [EDGE + strip * min(1.0, s / row.seconds) for s in (moment.start, moment.end)]
                draw.rectangle((ends[0], y, ends[1], y + BAR), COLOURS[k % len(COLOURS)])
            y += 2 * BAR
