"""The page: parsed, and looked at by a browser where there is one."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tcmgc_reports.board.build import build_leaderboard
from tcmgc_reports.html.axis import linear_axis, log_axis, tick_label
from tcmgc_reports.html.page import _breakable, render_html
from tcmgc_reports.html.svg import element
from tcmgc_reports.runs.read_runs import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunsOut

NASTY = "tcmgc </style><script>document.title='broken'</script> \"quoted\" & more"
VOID = {"meta", "link", "br", "wbr", "hr", "img", "input"}


class Page(HTMLParser):
    """Keeps every element and text, and refuses what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag: str) -> str:
        return " ".join(text for name, text in self.texts if name == tag)


@pytest.fixture
def folder(runs: RunsOut) -> RunsOut:
    """A board of three rows, two of them with two seeds."""
    tags = [["motion"] if index % 2 else ["colour"] for index in range(40)]
    rng = np.random.default_rng(0)
    for label, hits in (("tcmgc", 24), (NASTY, 20)):
        for seed in (0, 1):
            ranks = [int(rank) for rank in np.r_[np.ones(hits), rng.integers(2, 30, 40 - hits)]]
            runs.add(label, ranks, seed=seed, tags=tags)
    cost = {
        "train_seconds": None,
        "evaluate_seconds": 1.0,
        "parameters": 1_300_000,
        "new_parameters": 0,
        "trained_parameters": 0,
        "microseconds_per_pair": 0.01,
        "peak_memory_bytes": 2_000_000_000,
    }
    more: dict[str, Any] = {"trained": False, "selection": None, "text_conditioned": False, "cost": cost}
    runs.add("clip-zero-shot", [1] * 8 + [9] * 32, tags=tags, epochs=0, **more)
    runs.suite(("Text-conditioning", "tcmgc", "clip-zero-shot"), (NASTY, "tcmgc", NASTY), title=NASTY)
    return runs


@pytest.fixture
def html(folder: RunsOut) -> str:
    return render_html(build_leaderboard(read_runs(folder.path)))


def test_is_well_formed_and_escaped(html: str) -> None:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert page.text_of("title").startswith("tcmgc </style><script>")
    assert "document.title" not in page.text_of("script")
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    referred = [name for _, attributes in page.elements if (name := attributes.get("aria-labelledby"))]
    assert set(referred) <= set(names)


def test_needs_nothing_from_elsewhere(html: str) -> None:
    page = Page()
    page.feed(html)
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert (attributes.get("href") or "data:").startswith("data:")
    assert "url(" not in html
    assert "@import" not in html
    assert not re.search(r"https?://", html)


def test_says_what_the_board_says(html: str) -> None:
    page = Page()
    page.feed(html)
    assert "Text-conditioning is worth +40.0 R@1" in html
    assert "clip-zero-shot, text to video: R@1 20.0 [" in html
    assert len([one for one in page.all("svg") if one.get("role") == "img"]) == len(
        [one for one in page.all("svg") if one.get("aria-label")]
    )
    assert all(one.get("role") == "img" or one.get("aria-hidden") == "true" for one in page.all("svg"))
    # Both directions, tags; rows and runs have no headings to sort by.
    assert [one.get("class") for one in page.all("table")].count("sortable") == 3
    assert [one.get("class") for one in page.all("table")].count("sortable costs") == 1
    assert html.count("<polyline") == 2 * 2 * 2
    assert "20 queries" in html
    assert "2.00 GB" in html


def test_pictures_are_xml(html: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(pictures) > 10
    for picture in pictures:
        ElementTree.fromstring(picture)


def test_several_protocols(runs: RunsOut) -> None:
    runs.add("a", [1, 2])
    runs.add("b", [1, 2], fields={"frames": 8, "sampler": {"name": "uniform"}})
    html = render_html(build_leaderboard(read_runs(runs.path)))
    assert html.count(">Protocol 1: ") == html.count(">Protocol 2: ") == 1
    assert "rows of different protocols are not compared" in html
    assert "name uniform" in html


def test_svg_escapes() -> None:
    assert element("text", "<b>&", x=1.239, class_='a"b', text_anchor="end") == (
        '<text x="1.24" class="a&#34;b" text-anchor="end">&lt;b&gt;&amp;</text>'
    )
    assert element("g", element("line", x1=2.0)) == '<g><line x1="2"></line></g>'


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0, 100.0], (0, 20, 40, 60, 80, 100)),
        ([41.2, 55.9], (40, 45, 50, 55, 60)),
        ([-2.0, 17.0], (-5, 0, 5, 10, 15, 20)),
        ([3.0], (2, 2.5, 3, 3.5, 4)),
    ],
)
def test_linear_axis(values: list[float], ticks: tuple[float, ...]) -> None:
    axis = linear_axis(values, 0.0, 10.0)
    assert axis.ticks == ticks
    assert (axis(ticks[0]), axis(ticks[-1])) == (0.0, pytest.approx(10.0))
    assert 0 <= axis(min(values)) <= axis(max(values)) <= 10


def test_other_axes() -> None:
    assert linear_axis([1, 3], 0.0, 10.0, 4, least_step=1.0).ticks == (1, 2, 3)
    axis = log_axis([0.012, 4.4], 0.0, 30.0)
    assert axis.ticks == (0.01, 0.1, 1.0, 10.0)
    assert axis(1.0) == pytest.approx(20.0)
    assert log_axis([1.0], 0.0, 1.0).ticks == (0.1, 1.0, 10.0)
    assert [tick_label(tick) for tick in (0.01, 0.1, 1.0, -2.5)] == ["0.01", "0.1", "1", "−2.5"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium through Playwright, where both are installed; CHROMIUM names another program."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_in_a_browser(browser: Any, html: str, tmp_path: Path, width: int, scheme: str) -> None:
    path = tmp_path / "index.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.title() == NASTY
    # The page does not scroll sideways; wide tables do so in their boxes.
    assert page.evaluate("document.documentElement.scrollWidth") == width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 26)"
    assert dark == (scheme == "dark")
    first = "table.sortable tbody tr:first-child th"
    assert page.inner_text(first).startswith("tcmgc\n")
    button = page.locator("table.sortable").first.locator("thead button").nth(2)
    button.click()  # R@1 from descending to ascending
    assert page.inner_text(first).startswith("clip-zero-shot")
    button.click()
    assert page.inner_text(first).startswith("tcmgc\n")
    assert page.screenshot(full_page=True)
    assert said == []
    assert requests == [path.as_uri()]
    context.close()


LONG = (
    "{:02} tcmgc granularities.*.reorganizer.keep_rate=0.3,losses.sdr",
    "{:02} clip4clip-seqtransf aggregator=a-plugin-of-one-file-by-me",
    "{:02} a label of ordinary words that has sixty characters in it",
    "{:02} averyverylonglabelwithoutanyplacewhereitmaybebrokenatall",
)


@pytest.mark.parametrize("width", [1400, 390])
def test_the_axis_is_chosen_in_a_browser(browser: Any, runs: RunsOut, tmp_path: Path, width: int) -> None:
    more = {"flops_per_pair": 1_002_590, "index_bytes_per_video": 55_296, "scoring_memory_bytes": 60_800_000}
    for label in ("one", "two"):
        path = runs.add(label, [1, 2])
        record = json.loads((path / "record.json").read_text())
        record["cost"] |= more
        (path / "record.json").write_text(json.dumps(record))
    path = tmp_path / "index.html"
    path.write_text(render_html(build_leaderboard(read_runs(runs.path))), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    every = "[...document.querySelectorAll('.scatter')]"
    seen = f"{every}.filter(e => e.offsetHeight).map(e => e.dataset.axis)"
    assert page.evaluate(seen) == ["microseconds_per_pair"]
    for name in more:
        page.check(f"input[value={name}]")
        assert page.evaluate(seen) == [name]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


@pytest.mark.parametrize("width", [1400, 390])
def test_many_rows_with_long_labels_in_a_browser(
    browser: Any, runs: RunsOut, tmp_path: Path, width: int
) -> None:
    for row in range(20):
        for seed in (0, 1):
            ranks = [1] * (row + seed) + [9] * (40 - row - seed)
            runs.add(LONG[row % 4].format(row), ranks, seed=seed, tags=[["motion"]] * 40)
    runs.suite(("Care", LONG[3].format(19), LONG[0].format(0)))
    path = tmp_path / "index.html"
    path.write_text(render_html(build_leaderboard(read_runs(runs.path))), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    each = "s => [...document.querySelectorAll(s)].map(e => [e.scrollWidth, e.clientWidth])"
    for box in ("li.label", ".basis", ".dots .label", *([".scroll"] if width == 1400 else [])):
        assert all(content <= room for content, room in page.evaluate(each, box)), box
    places = "s => [...document.querySelectorAll(s)].map(e => e.getBoundingClientRect().toJSON())"
    labels = page.evaluate(places, ".dots .label")
    assert len(labels) == 20
    assert all(after["top"] - before["bottom"] >= 4 for before, after in pairwise(labels))
    # The first number of a row is seen without scrolling.
    first = ".sortable:not(.costs) td:nth-child(3), .costs td:nth-child(2)"
    assert max(place["right"] for place in page.evaluate(places, first)) <= width
    page.close()


def test_one_row(runs: RunsOut) -> None:
    runs.add("tcmgc", [1, 2, 1])
    text = render_html(build_leaderboard(read_runs(runs.path)))
    assert "microseconds per pair (logarithmic)" not in text
    assert "all rows have one scale" not in text
    assert "What it is worth" not in text


def test_legends_name_what_is_there(html: str, runs: RunsOut) -> None:
    assert "text-conditioned: a video" in html
    assert "text-free: what is kept" in html
    for label in ("one", "two"):
        runs.add(label, [1] * 40, tags=[["motion"] if i % 2 else ["colour"] for i in range(40)])
    board = build_leaderboard(
        read_runs(runs.path), lambda run: "no" if run.record.label == "clip-zero-shot" else None
    )
    assert "text-free: what is kept" not in render_html(board)


def test_labels_break_between_parts_and_not_in_numbers() -> None:
    label = "a.keep_rate=0.3,b/c"
    assert _breakable(label) == "a.<wbr>keep_<wbr>rate=<wbr>0.3,<wbr>b/<wbr>c"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Any, html: str, tmp_path: Path, scheme: str) -> None:
    """Every text has at least the contrast that WCAG 2.1 asks of small text."""
    path = tmp_path / "index.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(path.as_uri())
    worst = page.evaluate(
        """() => {
          const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
          const light = (c) => { const [r, g, b] = rgb(c).slice(0, 3).map((v) => {
            v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const behind = (e) => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) > 0) return c; }
            return "rgb(255, 255, 255)"; };
          let worst = [99, ""];
          const texts = "h1,h2,h3,h4,p,li,th,td,small,span,code,button,text.tick";
          for (const e of document.querySelectorAll(texts)) {
            if (!e.textContent.trim()) continue;
            const style = getComputedStyle(e);
            const [a, b] = [light(e.closest("svg") ? style.fill : style.color), light(behind(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 200)];
          }
          return worst;
        }"""
    )
    assert worst[0] >= 4.5, worst[1]
    context.close()
