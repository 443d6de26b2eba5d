"""A critical-difference diagram: average ranks on a line, bars join what is not told apart."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from reports.drawing.style import LETTER, canvas, files, folded, styled

LONGEST = 28  # letters of a name in one line


def ranks(average: Mapping[str, float], nemenyi: pd.DataFrame, critical: float) -> dict[str, bytes]:
    """Its files by their ending. average: row -> rank; nemenyi: p of each two rows."""
    from scikit_posthocs import critical_difference_diagram

    names = sorted(average, key=lambda row: (average[row], row))
    # By place and not by name: the order of a set of texts is another one in each process.
    places = {n: average[name] for n, name in enumerate(names)}
    matrix = (
        nemenyi.loc[names, names].set_axis(range(len(names))).set_axis(range(len(names)), axis=1)
    )
    told = [folded(f"{name} ({average[name]:.2f})", LONGEST) for name in names]
    letters = max(len(line) for each in told for line in each.splitlines())
    height = max(each.count("\n") + 1 for each in told)
    with styled():
        figure = canvas(3.2 + 2 * LETTER * letters, 1.3 + 0.19 * height * len(names))
        axes = figure.subplots()
        drawn = critical_difference_diagram(
            places,
            matrix,
            ax=axes,
            text_h_margin=0.02 * len(names),
            color_palette=dict.fromkeys(places, "black"),
            marker_props={"marker": "o", "s": 14},
            elbow_props={"linewidth": 0.8},
            crossbar_props={"linewidth": 2.5},
            label_fmt_left="{label}",
            label_fmt_right="{label}",
        )
        # Above the numbers of the axis; the library's own bar lies across them.
        first = min(average.values())
        axes.plot([first, first + critical], [1.7, 1.7], color="black", linewidth=1.2, marker="|")
        critical_text = f"critical difference {critical:.2f}"
        axes.text(first, 2.0, critical_text, ha="left", va="bottom")
        for label in drawn["labels"]:
            left = label.get_ha() == "right"  # of the line that leads to it
            name = told[int(label.get_text())].splitlines()
            label.set_text("\n".join(f"{line} " if left else f" {line}" for line in name))
        return files(figure)
