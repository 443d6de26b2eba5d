"""The trials: a real frozen ViT-Ti, few real images, prompts that start in two ways."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import timm
import torch
from safetensors.torch import load_file

from benchmarks.spt_claim.trials import Trial, append, read
from sweeper import discovery
from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.vision import VisionBackbone, describe_model
from sweeper.seeds import generator
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks.image import decode, resize
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train.trial import run_trial

SPT: Any = discovery.find("spt", Path())
CHOICE_SEED, CHOICE_LENGTH = 1000, 10  # of the trials that choose the learning rate


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
