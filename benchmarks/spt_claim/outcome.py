"""What the trials say: means, paired differences, and findings in words."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.spt_claim.trials import Trial
from reports.statistics import Scores, difference, robustness, verdict
from sweeper.tracking.summary import Summary, summarise


class Outcome:
    """What the trials of the claim say."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = [t for t in trials if t.purpose == "claim" and t.status == "finished"]
        self.depths = sorted({t.depth for t in self.trials})
        self.lengths = sorted({t.length for t in self.trials})
        self.seeds = sorted({t.seed for t in self.trials})
        self.strategies = sorted({t.strategy for t in self.trials} - {"random"})

    def of(self, depth: str, length: int, strategy: str) -> list[Trial]:
        """The trials of one cell, one a seed."""
        cell = (depth, length, strategy)
        return [t for t in self.trials if (t.depth, t.length, t.strategy) == cell]

    def scores(self, depth: str, length: int, strategy: str) -> Scores:
        """Accuracy by seed."""
        return Scores({t.seed: t.acc for t in self.of(depth, length, strategy)})

    def gain(self, depth: str, length: int, strategy: str) -> Summary | None:
        """Of `strategy` over `random`, paired by seed."""
        ours, base = (self.scores(depth, length, name) for name in (strategy, "random"))
        return difference(ours, base)

    def means(self, depth: str, strategy: str) -> list[tuple[float, Summary]]:
        """(length, summary) of one line of the figure."""
        cells = ((p, self.scores(depth, p, strategy).by_seed.values()) for p in self.lengths)
        return [(p, s) for p, values in cells if (s := summarise(values)) is not None]


def percent(summary: Summary | None) -> str:
    """Mean and half width of the 95 % interval in points, and n."""
    if summary is None:
        return "-"
    width = "" if summary.ci95 is None else f" ± {100 * summary.ci95:.1f}"
    return f"{100 * summary.mean:.1f}{width} (n={summary.n})"


def table(out: Outcome) -> list[str]:
    """A row for each depth, length and strategy beside `random`."""
    lines = [
        "| depth | p | start | accuracy, % | random (VPT), % | paired difference, points "
        "| told apart from 0 | construction, s |",
        "| --- | ---: | --- | ---: | ---: | ---: | --- | ---: |",
    ]
    for depth in out.depths:
        for length in out.lengths:
            for strategy in out.strategies:
                found = out.of(depth, length, strategy)
                gain = out.gain(depth, length, strategy)
                if gain is None:
                    continue
                random = summarise(out.scores(depth, length, "random").by_seed.values())
                seconds = sum(t.construction_seconds for t in found) / len(found)
                own = summarise(t.acc for t in found)
                lines.append(
                    f"| {depth} | {length} | {strategy} | {percent(own)} | {percent(random)} "
                    f"| {percent(gain)} | {verdict(gain)} | {seconds:.1f} |"
                )
    return lines


def findings(out: Outcome) -> list[str]:
    """In words, computed from the trials: how often a start beats `random`, and how flat it is."""
    lines = []
    for strategy in out.strategies:
        for depth in out.depths:
            gains = [g for p in out.lengths if (g := out.gain(depth, p, strategy)) is not None]
            said = [verdict(gain) for gain in gains]
            counts = [said.count("greater"), said.count("smaller")]
            lines.append(
                f"- {depth}, {strategy} against random: higher at {counts[0]}, lower at "
                f"{counts[1]}, not told apart at {len(said) - sum(counts)} of {len(said)} "
                f"lengths; the mean difference is positive at {sum(g.mean > 0 for g in gains)}."
            )
    for depth in out.depths:
        for strategy in ("random", *out.strategies):
            flat = robustness([(p, s.mean) for p, s in out.means(depth, strategy)])
            if flat is not None:
                lines.append(
                    f"- {depth}, {strategy}: {100 * flat.largest_drop:.1f} points between the best "
                    f"mean (p = {flat.best_at:g}) and the worst."
                )
    return lines
