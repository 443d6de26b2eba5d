"""README.md and curve.svg of a folder of trials."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.spt_claim.bench import CHOICE_LENGTH
from benchmarks.spt_claim.outcome import Outcome, findings, table
from benchmarks.spt_claim.trials import read

FIXED = ("lrs", "shots", "test", "size", "epochs", "batch")  # the same for all trials of a folder


def report(options: argparse.Namespace) -> None:
    """Write README.md and curve.svg from trials.csv, and print the former."""
    trials = list(read(options.out))
    out = Outcome(trials)
    if not out.trials:
        print(f"{options.out / 'trials.csv'} has no finished trial of the claim yet")
        return
    rates = {(t.depth, t.lr) for t in out.trials}
    lost = sum(t.purpose == "claim" for t in trials) - len(out.trials)
    steps = f"{options.epochs} epochs, batches of {options.batch}"
    text = [
        "# Do prompts that start as tokens beat prompts that start at random?",
        "",
        f"SPT (methods/spt.py) on {options.stem}: {options.shots} training images a "
        f"class, {out.trials[0].images} test images, the same for every seed; a real frozen "
        f"ViT-Ti/16 at {options.size} pixels; AdamW, {steps}, cosine, no decay. `random` is VPT's "
        "start through the same code, so that only the start of the prompts differs; a seed has "
        "the same training images, batches and first head for every start. Rates, chosen by the "
        "accuracy of `random` at "
        f"p = {CHOICE_LENGTH} on training images left over, under another seed: "
        + ", ".join(f"{depth} {lr:g}" for depth, lr in sorted(rates))
        + f", from {', '.join(f'{lr:g}' for lr in options.lrs)}.",
        "",
        "Means over n seeds with 95 % Student-t intervals; differences are paired by seed. "
        f"{lost} trial(s) of the claim did not finish.",
        "",
        *table(out),
        "",
        "![accuracy against prompt length](curve.svg)",
        "",
        "## What came out",
        "",
        *findings(out),
        "",
        "## What it does not say",
        "",
        "- The paper's ViT-B on CUB gains 2.1 points with supervised weights and 11.8 with MAE's "
        "(Table S2, deep, 20 prompts, 100 epochs). This backbone is sixteen times smaller and saw "
        "ImageNet's labels; the larger gains are claimed for weights that saw none.",
        "- A few images a class and a few hundred steps at most: it measures the start more than "
        "the end of a long training.",
        "- Few seeds make wide intervals, which are not corrected for the number of rows; all "
        "share their test images, so that the error of these is not in the intervals.",
        "- The rate was chosen for `random`. Other than at 224 pixels, the positions of the "
        "weights are interpolated.",
        "- Seconds are those of a busy CPU, with the first pass through the backbone.",
        "",
        "Made by `python -m benchmarks.spt_claim --weights W --images X --out FOLDER "
        + " ".join(f"--{name} {written(getattr(options, name))}" for name in FIXED)
        + f" --lengths {written(out.lengths)} --seeds {written(out.seeds)} --depths "
        f"{written(out.depths)} --strategies {written(['random', *out.strategies])}`.",
    ]
    (options.out / "README.md").write_text("\n".join(text) + "\n")
    draw(out, options.out / "curve.svg")
    print("\n".join(text))


def written(value: Any) -> str:
    """An option's value as the command line takes it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def draw(out: Outcome, path: Path) -> None:
    """Accuracy against prompt length, a panel for each depth, with 95 % bands."""
    figure = Figure(figsize=(4 * len(out.depths), 3.2), layout="constrained")
    panels = figure.subplots(1, len(out.depths), sharey=True, squeeze=False)[0]
    for panel, depth in zip(panels, out.depths, strict=True):
        for strategy in ("random", *out.strategies):
            points = out.means(depth, strategy)
            x, y = [p for p, _ in points], [100 * s.mean for _, s in points]
            (line,) = panel.plot(x, y, marker="o", label=strategy)
            if all(s.ci95 is not None for _, s in points):
                half = [100 * (s.ci95 or 0.0) for _, s in points]
                low = [middle - h for middle, h in zip(y, half, strict=True)]
                high = [middle + h for middle, h in zip(y, half, strict=True)]
                panel.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
        panel.set_xscale("log")
        panel.set_xticks(out.lengths, [str(p) for p in out.lengths])
        panel.set_xticks([], minor=True)
        panel.set(title=f"SPT-{depth}", xlabel="prompts p")
        panel.legend()
    panels[0].set_ylabel("test accuracy, %")
    figure.savefig(path, metadata={"Date": None})
