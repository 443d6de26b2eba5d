r"""A table as LaTeX: `\input` it in a document with booktabs, and with graphicx if it says so.

There are no addresses in it: the numbers of a paper are looked up in `report.html` or the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.document import Grid, Span, Text, joined, lowered, width
from reports.latex_text import escaped

WIDE = 88  # characters of one row in \small that a column of text holds; beyond, it is shrunk


def latex(grid: Grid, title: str = "") -> str:
    r"""A `table` with caption, label and notes. title: what it is called where it has no caption."""
    wide = width(grid) > WIDE
    rules = set(grid.rules)
    lines = []
    for place, row in enumerate(grid.rows):
        lines += [r"\midrule"] if place in rules and place else []
        lines.append(_row(row))
    sides = "l" * min(grid.labels, len(grid.headers))
    sides += "r" * (len(grid.headers) - len(sides))
    packages = "booktabs and graphicx" if wide else "booktabs"
    return "\n".join(
        [
            f"% Needs {packages}. Written by `sweeper report`; a new report writes it anew.",
            r"\begin{table}",
            r"\centering\small",
            f"\\caption{{{escaped(grid.caption or title)}}}",
            f"\\label{{tab:{grid.name}}}",
            *([r"\resizebox{\linewidth}{!}{%"] if wide else []),
            f"\\begin{{tabular}}{{@{{}}{sides}@{{}}}}",
            r"\toprule",
            _row(grid.headers),
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}" + "}" * wide,
            *_notes(grid),
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[Text]) -> str:
    return " & ".join(map(_inline, cells)) + r" \\"


def _notes(grid: Grid) -> list[str]:
    if not grid.notes:
        return []
    lines = [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize\raggedright"]
    lines += [rf"{_inline(note)}\par" for note in grid.notes]
    return [*lines, r"\end{minipage}"]


def _inline(content: Text) -> str:
    return "".join(map(_span, joined(content))).strip()


def _span(span: Span) -> str:
    written = escaped(lowered(span.text) if span.sign else span.text)
    left = " " if span.text[0] == " " else ""
    right = " " if span.text[-1] == " " and written else ""
    for look, command in (
        (span.code, "texttt"),
        (span.italic, "textit"),
        (span.bold, "textbf"),
        (span.sign, "textsuperscript"),
    ):
        written = f"\\{command}{{{written}}}" if look and written else written
    return left + written + right
