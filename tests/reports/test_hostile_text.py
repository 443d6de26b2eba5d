"""A whole report of any names, labels, reasons and commands: they are text in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.build import report_files
from reports.document import one_line
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Curve, Table
from tests.reports import hand, odd
from tests.reports.test_html import Page
from tests.reports.test_latex import check as check_latex
from tests.reports.test_latex import columns

RENDERER = MarkdownIt("commonmark").enable("table")
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "[x](javascript:alert(1))",
    "![x](http://x/y.png)",
    "<http://x/y>",
    "[x]: http://x/y",
    "http://x/y",
    "</td></table><h1>x",
    "&lt;script&gt;&#60;script&#62;",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    r"\input{/etc/passwd}\write18{touch ran}",
    r"\end{table}\immediate\write18{x}",
    "$\\mathrm{x}$ $",
    "%\n\\def\\x{}",
    "| a | b |\n|---|---|",
    "```\n<b>\n```",
    "=HYPERLINK(\"http://x\")",
    "@SUM(A1)",
    "-2+3+cmd|' /C calc'!A0",
    "]]><!--",
    "\u202egnp.exe",
    "\ud800",
    "\0",
]  # fmt: skip
texts = st.sampled_from(HOSTILE) | odd.words
SOME = settings(max_examples=12, deadline=None, derandomize=True)


def written(words: str, other: str, *, curve: bool = False) -> dict[str, bytes]:
    """The files of a report in which `words` and `other` stand wherever a user's text can."""
    label, factor = words or "x", other or "y"
    cells = hand.cells([f"{label} 1", f"{label} 2"], [factor, f"{factor} 2"], base=f"{label} 1")
    cells += (cells[0].model_copy(update={"id": "s" * 16, "skip": words, "roles": ()}),)
    table = Table(id="T1", title=words, axis="method", averages={other or "a": ()})
    curves = (Curve(id="F1", title=words, axis="method", scale="labels"),) if curve else ()
    plan: Plan = hand.plan(cells, table).model_copy(update={"note": words, "curves": curves})
    scores = iter(range(1000))
    made = hand.recording(
        plan, lambda _, spec: "failed" if spec.seed == 2 else 0.5 + next(scores) / 1e4
    )
    origin = {"command": words, "commit": other, "hardware": words, "version.x": other}
    trials: pd.DataFrame = made.trials.assign(reason=words, link=other)
    launch = replace(made.launch, provenance=origin)
    return report_files(replace(made, launch=launch, trials=trials, links={cells[0].id: words}))


@cache
def plain_tags() -> tuple[Counter[str], set[tuple[str, ...]], Counter[str]]:
    """How often each element stands in the page of harmless words, which attributes elements have
    there, and the elements of its Markdown.
    """
    files = written("word", "other")
    tags = Page(files["report.html"].decode()).tags
    rendered = re.findall(r"<(\w+)", RENDERER.render(files["report.md"].decode()))
    attributes = {(tag, *sorted(has)) for tag, has in tags}
    return Counter(tag for tag, _ in tags), attributes, Counter(rendered)


# A link is one where the address is on the web; a code of Markdown is one where it has any text.
VARYING = {"a", "code", "strong", "b", "em", "i", "br", "p", "td", "th", "thead", "tr"}


@SOME
@given(texts, texts)
@example("<script>alert(1)</script>", "' onmouseover='alert(1)")
@example("javascript:alert(1)", '"><svg onload=alert(1)>')
@example("[x](javascript:alert(1))", "![x](http://x/y.png)")
@example(r"\input{/etc/passwd}\write18{x}", r"\end{table}")
@example('=HYPERLINK("http://x")', "-2+3+cmd|' /C calc'!A0")
def test_no_element_link_command_or_formula_comes_from_a_text(words: str, other: str) -> None:
    files = written(words, other)
    on_the_web = {one_line(each) for each in (words, other) if one_line(each).startswith("http")}
    ours = re.compile(r"#s\d+|http://ui/\w+")

    page = Page(files["report.html"].decode())
    usual, usual_attributes, rendered_usual = plain_tags()
    tags = Counter(tag for tag, _ in page.tags)
    assert {t: n for t, n in tags.items() if t not in VARYING} == {
        t: n for t, n in usual.items() if t not in VARYING
    }
    for tag, has in page.tags:
        assert (tag, *sorted(has)) in usual_attributes
        link = has.get("href", "#s1")
        assert ours.fullmatch(link) or link in on_the_web

    source = files["report.md"].decode()
    rendered = RENDERER.render(source)
    found = Counter(re.findall(r"<(\w+)", rendered))
    assert {t: n for t, n in found.items() if t not in VARYING} == {
        t: n for t, n in rendered_usual.items() if t not in VARYING
    }
    raw = [each.content for each in RENDERER.parse(source) if each.type == "html_block"]
    assert raw == []
    linked = re.findall(r'(?:href|src)="([^"]*)"', rendered)
    assert all(link.startswith("http") for link in linked)
    assert not on_the_web or len(on_the_web) < 3
    if not on_the_web:
        assert all(link.startswith("http://ui/") for link in linked)

    for name, content in files.items():
        if name.endswith(".tex"):
            check_latex(content.decode())
            declared, rows = columns(content.decode())
            assert set(rows) == {declared}
        if name.endswith(".csv"):
            rows_ = [*csv.reader(io.StringIO(content.decode()))]
            assert len({len(row) for row in rows_}) == 1
            for cell in (cell for row in rows_ for cell in row):
                assert not cell.lstrip().startswith(("=", "@"))
                assert not re.match(r"\s*[+-].*(\||!|[A-Za-z]\s*\()", cell, re.DOTALL)
        if name.endswith(".json"):
            json.loads(content)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(texts)
@example("<script>alert(1)</script>")
@example("$\\mathrm{x}$ $")
def test_figures_draw_any_label_and_hold_no_script(words: str) -> None:
    files = written(words, "y", curve=True)
    drawn = [content for name, content in files.items() if name.endswith(".svg")]
    assert drawn
    for content in drawn:
        kinds = {
            element.tag.rpartition("}")[2] for element in ElementTree.fromstring(content).iter()
        }
        assert not kinds & {"script", "a", "foreignObject", "image"}
        assert b"<script>" not in content


def test_numbers_and_plain_labels_stay_as_they_are_in_csv() -> None:
    from reports.data import _no_formula

    for text in ("-4.9 [-10.6, +0.7]", "-", "+0.5 (3)", "58.0 ± 2.5 (3)", "pgn", "", "-x", "a=b"):
        assert _no_formula(text) == text
    assert _no_formula(-1.5) == -1.5
    assert _no_formula("=1+1") == "'=1+1"
