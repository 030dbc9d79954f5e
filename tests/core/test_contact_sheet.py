"""Texts on contact sheets: escaped, and underlined where they link to a moment."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tcmgc.data.clip import Caption, Clip, Link, Moment
from tcmgc.data.contact_sheet import SheetClip
from tcmgc.data.sheet_html import COLOURS, sheet_html
from tcmgc.data.sheet_png import sheet_png

TEXT = "a <b> & a star, then a moon"


def row(*links: Link) -> SheetClip:
    caption = Caption("c", '"1"', TEXT, (Moment(0.0, 1.0), Moment(1.0, 9.0)), links)
    frames = tuple(Image.new("RGB", (20, 10), colour) for colour in ("red", "blue"))
    return SheetClip(Clip('"1"', Path("<video>.mp4")), (caption,), frames, (0.0, 1.0), 4.0)


def test_links_are_underlined_in_their_moments_colour() -> None:
    second = TEXT.index("a moon")
    html = sheet_html("<t>", [row(Link(second, len(TEXT), 1), Link(0, 5, 0))])
    first = f'<li><mark style="text-decoration-color:{COLOURS[0]}">a &lt;b&gt;</mark> &amp; a star, then '
    assert first + f'<mark style="text-decoration-color:{COLOURS[1]}">a moon</mark><div' in html
    assert "<title>&lt;t&gt;</title>" in html
    assert "&lt;video&gt;.mp4" in html
    assert "&quot;1&quot;" in html


def test_links_that_overlap_lose_no_word() -> None:
    html = sheet_html("t", [row(Link(0, 8, 0), Link(2, 12, 1))])
    assert html.count("<mark") == 1
    assert "</mark>a star, then a moon<div" in html


def test_a_moment_may_end_after_its_clip() -> None:
    assert "left:25.00%;right:0.00%" in sheet_html("t", [row()])
    sheet = sheet_png("t", [row()])
    colours = {colour for _, colour in sheet.getcolors(1 << 20) or []}
    assert tuple(bytes.fromhex(COLOURS[1][1:])) in colours


def test_long_captions_and_odd_letters_fit_in_a_picture() -> None:
    short = row()
    long = SheetClip(short.clip, (Caption("c", "1", "слово word " * 60),), short.frames, short.times, 4.0)
    assert sheet_png("t", [long]).height > sheet_png("t", [short]).height + 100
