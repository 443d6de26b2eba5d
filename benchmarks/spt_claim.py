"""SPT's claim on real images and weights: prompts that start as tokens against random ones.

`python benchmarks/spt_claim.py --weights W.safetensors --images X.parquet --out FOLDER` trains
methods/spt.py on a frozen ViT-Ti/16 with strategy `random`, which is VPT's start, and `sample`,
the paper's own; nothing else differs. W are timm's weights of `vit_tiny_patch16_224` (mean = std =
0.5); X has the columns image (a file's bytes), label and split (train, test). Each trial is
appended to FOLDER/trials.csv, so that the same command goes on after an interruption; more seeds,
lengths, depths and strategies may be added. At the end, and at once with `--out FOLDER
--report-only`, it writes FOLDER/README.md and FOLDER/curve.svg.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import timm
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file

from reports.statistics import Scores, difference, robustness, verdict
from sweeper import discovery
from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.vision import VisionBackbone, describe_model
from sweeper.seeds import generator
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks.image import decode, resize
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.tracking.summary import Summary, summarise
from sweeper.train.trial import run_trial

SPT: Any = discovery.find("spt", Path())
FIXED = ("lrs", "shots", "test", "size", "epochs", "batch")  # the same for all trials of a folder
CHOICE_SEED, CHOICE_LENGTH = 1000, 10  # of the trials that choose the learning rate


@dataclass(frozen=True)
class Trial:
    """One line of trials.csv."""

    trial_id: str
    purpose: str  # choice: of the learning rate, tested on held-out training images; or claim
    depth: str
    length: int
    strategy: str
    seed: int
    lr: float
    acc: float
    images: int
    construction_seconds: float
    seconds: float
    status: str


@dataclass(frozen=True)
class Bench:
    """The backbone and the images, at `size` pixels."""

    options: argparse.Namespace

    @cached_property
    def backbone(self) -> VisionBackbone:
        """ViT-Ti/16, its positions interpolated where `size` is not 224."""
        size, path = self.options.size, Path(self.options.weights)
        model: Any = timm.create_model("vit_tiny_patch16_224", pretrained=False)
        model.load_state_dict(load_file(path), strict=True)
        model.set_input_size((size, size))
        half = (0.5, 0.5, 0.5)
        info = describe_model(
            model,
            name=f"vit_tiny_patch16_224 at {size}",
            weights=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
            description="timm's ViT-Ti/16, ImageNet labels",
            preprocessing=Preprocessing(size, half, half, "bicubic", "squash"),
            max_prompts=1000,
        )
        return VisionBackbone(model, info)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The images as found."""
        return pd.read_parquet(self.options.images)

    def split(self, rows: Sequence[int]) -> Split:
        """The images at `rows` of the frame."""
        found = self.frame.iloc[list(rows)]
        pixels = [
            resize(decode(data)[None], self.backbone.info.preprocessing) for data in found["image"]
        ]
        return Split(torch.cat(pixels), torch.tensor(found["label"].to_list()))

    def task(self, purpose: str, seed: int) -> Task:
        """`shots` training images a class by the seed, one a class for val, `test` for test.

        Test images are the same for all seeds. Those of a choice are left over from training.
        """
        options, labels = self.options, self.frame["label"].to_numpy()
        train = (self.frame["split"] == "train").to_numpy().nonzero()[0]
        order = train[torch.randperm(len(train), generator=generator(seed, "shots")).numpy()]
        classes = sorted(set(labels.tolist()))
        by_class = [[row for row in order.tolist() if labels[row] == k] for k in classes]
        shots, count = options.shots, options.test
        left = sorted(set(order.tolist()) - {r for rows in by_class for r in rows[: shots + 1]})
        test = (self.frame["split"] == "test").to_numpy().nonzero()[0].tolist()
        pool = left if purpose == "choice" else test
        picks = torch.randperm(len(pool), generator=generator(0, "test"))[:count].tolist()
        data = hashlib.sha256(Path(options.images).read_bytes()).hexdigest()[:16]
        info = TaskInfo(
            Path(options.images).stem,
            f"{data}, {shots} shots, {len(picks)} to test, {options.size} pixels, {purpose}",
            "real images",
            tuple(map(str, classes)),
            "{}",
            {},
        )
        return Task(
            info,
            train=self.split([row for rows in by_class for row in rows[:shots]]),
            val=self.split([rows[shots] for rows in by_class]),
            test=self.split([pool[place] for place in picks]),
        )

    def run(self, task: Task, trial: Trial) -> Trial:
        """`trial` with its id, and trained unless its file has that id already."""
        options, info = self.options, self.backbone.info
        params = SPT.params(depth=trial.depth, prompt_length=trial.length, strategy=trial.strategy)
        spec = TrialSpec(
            method=SPT.identity,
            params=params.model_dump(),
            backbone=info.name,
            weights=info.weights,
            task=task.info.name,
            data=task.info.data,
            recipe=Recipe(
                epochs=options.epochs, batch_size=options.batch, optimizer="adamw", lr=trial.lr
            ),
            protocol=Protocol(),
            seed=trial.seed,
        )
        for old in read(options.out):
            if old.trial_id == spec.id:
                return old
        steps = run_trial(
            spec, plugin=SPT, backbone=self.backbone, task=task, device=torch.device("cpu")
        )
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result = end.value
                break
        new = Trial(
            **asdict(trial)
            | {
                "trial_id": spec.id,
                "acc": 0.0 if result.test is None else result.test.acc,
                "images": 0 if result.test is None else result.test.n,
                "construction_seconds": result.measured["construction_seconds"],
                "seconds": result.seconds,
                "status": str(result.status),
            }
        )
        append(options.out, new)
        print(new, flush=True)
        return new


def append(out: Path, trial: Trial) -> None:
    """Add a line to trials.csv."""
    path = out / "trials.csv"
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(trial)))
        if fresh:
            writer.writeheader()
        writer.writerow(asdict(trial))


def read(out: Path) -> Iterator[Trial]:
    """The lines of trials.csv."""
    path = out / "trials.csv"
    if not path.exists():
        return
    kinds: dict[str, Callable[[str], Any]] = {"length": int, "seed": int, "images": int}
    kinds |= dict.fromkeys(("lr", "acc", "construction_seconds", "seconds"), float)
    for row in csv.DictReader(path.read_text().splitlines()):
        yield Trial(**{name: kinds.get(name, str)(value) for name, value in row.items()})


def run_all(options: argparse.Namespace) -> None:
    """Choose a rate for each depth by `random` alone, then both strategies, seed after seed."""
    bench = Bench(options)
    blank = Trial("", "choice", "", CHOICE_LENGTH, "random", CHOICE_SEED, 0.0, 0.0, 0, 0.0, 0.0, "")
    task, rates = bench.task("choice", CHOICE_SEED), {}
    for depth in options.depths:
        tried = [
            bench.run(task, Trial(**asdict(blank) | {"depth": depth, "lr": lr}))
            for lr in options.lrs
        ]
        rates[depth] = max(tried, key=lambda trial: trial.acc).lr
    for seed in options.seeds:
        task = bench.task("claim", seed)
        for length in options.lengths:
            for depth in options.depths:
                for strategy in options.strategies:
                    changes = {"depth": depth, "length": length, "strategy": strategy}
                    changes |= {"purpose": "claim", "seed": seed, "lr": rates[depth]}
                    bench.run(task, Trial(**asdict(blank) | changes))


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
        "Made by `python benchmarks/spt_claim.py --weights W --images X --out FOLDER "
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


def parsed() -> argparse.Namespace:
    """The command line."""

    def listed(kind: type) -> Callable[[str], list[Any]]:
        return lambda text: [kind(word) for word in text.split(",")]

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights")
    parser.add_argument("--images")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--lengths", type=listed(int), default=[1, 10, 50])
    parser.add_argument("--depths", type=listed(str), default=["deep", "shallow"])
    parser.add_argument("--strategies", type=listed(str), default=["random", "sample"])
    parser.add_argument("--seeds", type=listed(int), default=[0, 1, 2])
    parser.add_argument("--lrs", type=listed(float), default=[0.001, 0.005, 0.02])
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--test", type=int, default=200, help="test images, the same for all seeds")
    parser.add_argument("--size", type=int, default=224, help="pixels")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    path = options.out / "settings.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    if options.report_only:
        if not found:
            parser.error(f"{path} is not there: nothing was trained")
        vars(options).update(found)
        return options
    if not options.weights or not options.images:
        parser.error("--weights and --images are needed to train")
    options.stem = Path(options.images).stem
    own = {name: getattr(options, name) for name in (*FIXED, "stem")}
    if found and found != own:
        parser.error(f"{options.out} has trials of other settings, {found}: use another folder")
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(own) + "\n")
    return options


def main() -> None:
    """Train what is missing, then report."""
    torch.set_num_threads(1)
    options = parsed()
    if not options.report_only:
        run_all(options)
    report(options)


if __name__ == "__main__":
    main()
