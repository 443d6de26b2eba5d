"""SPT's claim on real images and weights: prompts that start as tokens against random ones.

`python -m benchmarks.spt_claim --weights W.safetensors --images X.parquet --out FOLDER` trains
methods/spt.py on a frozen ViT-Ti/16 with strategy `random`, which is VPT's start, and `sample`,
the paper's own; nothing else differs. W are timm's weights of `vit_tiny_patch16_224` (mean = std =
0.5); X has the columns image (a file's bytes), label and split (train, test). Each trial is
appended to FOLDER/trials.csv, so that the same command goes on after an interruption; more seeds,
lengths, depths and strategies may be added. At the end, and at once with `--out FOLDER
--report-only`, it writes FOLDER/README.md and FOLDER/curve.svg.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.spt_claim.bench import run_all
from benchmarks.spt_claim.report import FIXED, report


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
