"""LaTeX tables, read by a small parser that knows no command but those of article and booktabs."""

import re
import unicodedata

import pytest
from hypothesis import given, settings

from reports.document import Grid, Span, text
from reports.latex import latex
from reports.latex_text import escaped
from tests.reports import odd

TOKEN = re.compile(
    r"\\(?:[A-Za-z]+|.)|\$[^$]*\$|%[^\n]*\n|[{}&~^_#]|[^\\${}&%~^_#]+", re.DOTALL | re.ASCII
)
# Commands that a plain article with booktabs and graphicx has, and how many arguments each takes.
ARGUMENTS = {
    **dict.fromkeys(("begin", "end", "caption", "label", "texttt", "textit", "textbf"), 1),
    "textsuperscript": 1,
    "resizebox": 3,
    **dict.fromkeys(("centering", "small", "footnotesize", "raggedright", "par", "smallskip"), 0),
    **dict.fromkeys(("toprule", "midrule", "bottomrule", "linewidth", "i", "j"), 0),
    **dict.fromkeys(("textbackslash", "textasciitilde", "textasciicircum", "textbar"), 0),
    **dict.fromkeys(("textless", "textgreater", "textasciigrave", "textdagger"), 0),
    **dict.fromkeys(("textdaggerdbl", "textbullet", "textcopyright", "ldots", "S", "P"), 0),
    **dict.fromkeys(("ss", "ae", "AE", "oe", "OE", "o", "O", "aa", "AA", "l", "L"), 0),
    **dict.fromkeys("`'^~=.\"", 1),
    **dict.fromkeys(("u", "r", "H", "v", "d", "c"), 1),
    **dict.fromkeys("_%&#${}\\", 0),
}
MATHS = {"pm", "times", "cdot", "div", "le", "ge", "ne", "approx", "infty", "in", "surd"}
MATHS |= {"rightarrow", "leftarrow", "uparrow", "downarrow", "circ"}
MATHS |= {unicodedata.name(chr(code)).split()[-1].lower() for code in range(0x3B1, 0x3CA)}
MATHS -= {"lamda", "omicron"}  # which LaTeX does not have
MATHS |= {"lambda", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"}


def check(source):
    """Fails unless `source` is ASCII, its braces and environments nest, every command is known,
    and no sign that means something stands alone but those that a table is made of.
    """
    assert source.isascii()
    source = re.sub(r"\\label\{tab:[\w.-]+\}", "", source)  # a name, which is not typeset
    tokens = TOKEN.findall(source)
    assert "".join(tokens) == source
    depth, environments = 0, []
    for place, token in enumerate(tokens):
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            assert depth >= 0
        elif token[0] == "$":
            assert set(re.findall(r"\\([A-Za-z]+)", token)) <= MATHS
            assert re.fullmatch(r"\$(-|\^\{\\circ\}|\\[a-zA-Z]+)\$", token)
        elif token[0] == "\\":
            name = token[1:]
            assert name in ARGUMENTS, token
            if ARGUMENTS[name]:
                assert tokens[place + 1].startswith("{"), source
            if name in ("begin", "end"):
                called = tokens[place + 2]
                if name == "begin":
                    environments.append(called)
                else:
                    assert environments.pop() == called
            if name == "\\":
                after = "".join(tokens[place + 1 : place + 3]).lstrip()
                assert after[:1] not in ("[", "*")
        else:
            assert token not in ("^", "_", "#"), source
    assert not depth
    assert not environments


def columns(source):
    """How many columns `source` declares, and how many each of its rows has."""
    declared = re.search(r"\{@\{\}([lr]*)@\{\}\}", source)
    body = source[source.index(r"\toprule") : source.index(r"\bottomrule")]
    lines = [row for row in body.splitlines() if row.endswith(r"\\")]
    return len(declared[1]), [len(re.findall(r"(?<!\\)&", row)) + 1 for row in lines]


@settings(max_examples=150, deadline=None)
@given(odd.tables())
def test_a_table_of_any_text_compiles_and_keeps_its_columns(rows):
    notes = [rows[0][0]]
    source = latex(Grid(rows[0], rows[1:], name="T", caption=rows[0][0][:1] and "x", notes=notes))
    check(source)
    declared, found = columns(source)
    assert found == [declared] * len(rows)


@settings(max_examples=300, deadline=None)
@given(odd.words)
def test_any_text_is_ascii_without_bare_signs(words):
    check(escaped(words))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b 5% & #1 $x$ {y}", r"a\_b 5\% \& \#1 \$x\$ \{y\}"),
        ("~^\\|<>", r"\textasciitilde{}\textasciicircum{}\textbackslash{}\textbar{}"
         r"\textless{}\textgreater{}"),
        ("[16] *64", r"{[}16{]} {*}64"),
        ("-4.9 [-10.6, +0.7]", r"$-$4.9 {[}$-$10.6, +0.7{]}"),
        ("ViT-B-32, 2026-11-22", "ViT-B-32, 2026-11-22"),
        ("--set", "-{}-set"),
        ("58.0 ± 2.5†", r"58.0 $\pm$ 2.5\textdagger{}"),
        ("é Å ñ ï ß", r"\'{e} \AA{} \~{n} \"{\i} \ss{}"),
        ("Δ β ω — ≥", r"$\Delta$ $\beta$ $\omega$ --- $\ge$"),
        ("中", "{[}U+4E2D{]}"),
        ("two\nlines", "two lines"),
        ("", ""),
    ],
)  # fmt: skip
def test_signs_are_written_so_that_they_print_as_they_are(text, written):
    assert escaped(text) == written


def test_a_table_is_booktabs_with_caption_label_notes_rules_and_looks():
    grid = Grid(
        headers=[text("length"), text("digits")],
        rows=[
            [text("1"), text("51.0 ± 2.5 (3)")],
            [text("8"), text(Span("58.0", bold=True, link="http://ui/1"), Span("¹", sign=True))],
        ],
        name="T3a",
        caption="Number of prompts: top-1, %",
        notes=[text(Span("1", sign=True), " selected on test.")],
        rules=[1],
    )
    assert latex(grid).splitlines()[1:] == [
        r"\begin{table}",
        r"\centering\small",
        r"\caption{Number of prompts: top-1, \%}",
        r"\label{tab:T3a}",
        r"\begin{tabular}{@{}lr@{}}",
        r"\toprule",
        r"length & digits \\",
        r"\midrule",
        r"1 & 51.0 $\pm$ 2.5 (3) \\",
        r"\midrule",
        r"8 & \textbf{58.0}\textsuperscript{1} \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        r"\begin{minipage}{\linewidth}\footnotesize\raggedright",
        r"\textsuperscript{1} selected on test.\par",
        r"\end{minipage}",
        r"\end{table}",
    ]


def test_a_wide_table_is_shrunk_and_says_what_it_needs():
    cells = [text("58.0 ± 2.5 (3)")] * 9
    wide, narrow = (latex(Grid(cells[:n], [cells[:n]], name="T")) for n in (9, 2))
    check(wide)
    assert wide.startswith("% Needs booktabs and graphicx.")
    assert r"\resizebox{\linewidth}{!}{%" in wide
    assert narrow.startswith("% Needs booktabs.")
    assert "resizebox" not in narrow


def test_the_tables_of_a_report_compile_and_are_captioned(folder):
    files = sorted((folder / "tables").glob("*.tex"))
    assert len(files) >= 5
    for path in files:
        source = path.read_text()
        check(source)
        assert r"\caption{}" not in source
        assert f"\\label{{tab:{path.stem}}}" in source
