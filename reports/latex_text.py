r"""Any text as LaTeX that compiles: plain ASCII, under every engine and encoding of fonts.

What is no letter with an accent and has no command here is written as its code point, such as
[U+4E2D], because no font of a plain article has it.
"""

from __future__ import annotations

import re
import unicodedata

from reports.document import one_line

_COMMANDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    **{sign: f"\\{sign}" for sign in "_%&#${}"},
    # After '\\' and after a rule these would be read as arguments.
    **{sign: f"{{{sign}}}" for sign in "[]*"},
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "÷": r"$\div$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≠": r"$\ne$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "∈": r"$\in$",
    "√": r"$\surd$",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "°": r"$^{\circ}$",
    "µ": r"$\mu$",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "•": r"\textbullet{}",
    "©": r"\textcopyright{}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "å": r"\aa{}",
    "Å": r"\AA{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "\u00a0": "~",
    "\u200b": "",
    "\ufeff": "",
}
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi"
_COMMANDS |= {chr(0x3B1 + n): f"$\\{name}$" for n, name in enumerate(_GREEK.split())}
_COMMANDS |= {
    unicodedata.lookup(f"GREEK SMALL LETTER {name}"): f"$\\{name.lower()}$"
    for name in ("PI", "RHO", "SIGMA", "TAU", "UPSILON", "PHI", "CHI", "PSI", "OMEGA")
}
_COMMANDS |= {
    unicodedata.lookup(f"GREEK CAPITAL LETTER {name}"): f"$\\{name.capitalize()}$"
    for name in ("GAMMA", "DELTA", "THETA", "XI", "PI", "SIGMA", "PHI", "PSI", "OMEGA")
} | {"Λ": r"$\Lambda$"}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0323": "d",
    "\u0327": "c",
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def escaped(text: object) -> str:
    """`text` as literal text of one line; a minus before a number is a minus."""
    line = unicodedata.normalize("NFC", one_line(text))
    line = re.sub(r"(?<![\w-])-(?=\.?\d)", "−", line)
    return "".join(map(_unit, re.findall(r"--+|''+|,,+|.", line)))


def _unit(signs: str) -> str:
    """One character, or several that a font would make one."""
    return "{}".join(map(_character, signs))


def _character(sign: str) -> str:
    if sign in _COMMANDS:
        return _COMMANDS[sign]
    if sign.isascii():
        return sign
    if (digit := sign.translate(_SUPERSCRIPTS)) != sign:
        return f"\\textsuperscript{{{digit}}}"
    letter, *accents = unicodedata.normalize("NFD", sign)
    if letter.isascii() and letter.isalpha() and len(accents) == 1 and accents[0] in _ACCENTS:
        dotless = {"i": r"\i", "j": r"\j"}.get(letter, letter)
        return f"\\{_ACCENTS[accents[0]]}{{{dotless}}}"
    return f"{{[}}U+{ord(sign):04X}{{]}}"
