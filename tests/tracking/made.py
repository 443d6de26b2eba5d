"""Plans, trials and results made by hand, with scores that are a function of what is asked for."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sweeper.records import EpochRecord, Score, TrialResult, TrialStatus
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.spec.shown import Curve, Table
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tracking.store import Store, open_store
from sweeper.tracking.writer import Writer

SEEDS = (0, 1, 2)


@functools.cache
def _blank() -> Path:
    """A store with its schema and nothing else; making one takes seconds, copying one none."""
    folder = Path(tempfile.mkdtemp(prefix="blank-store-"))
    open_store(f"sqlite:///{folder / 'mlflow.db'}", create=True)
    return folder / "mlflow.db"


def blank_store(folder: Path) -> Store:
    """An empty store in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_blank(), folder / "mlflow.db")
    return open_store(f"sqlite:///{folder / 'mlflow.db'}", create=True)


def trial(
    seed: int = 0, *, method: str = "pgn", task: str = "digits", epochs: int = 3, **params: Any
) -> TrialSpec:
    return TrialSpec(
        method=method,
        params=params,
        backbone="embedded",
        weights="w1",
        task=task,
        data="d1",
        recipe=Recipe(epochs=epochs),
        protocol=Protocol(),
        seed=seed,
    )


def cell(
    *roles: Role,
    seeds: tuple[int, ...] = SEEDS,
    over: dict[str, str] | None = None,
    base: bool = False,
    **what: Any,
) -> Cell:
    over = {"task": "digits"} if over is None else over
    task = {"task": over["task"]} if over else {}
    trials = tuple(trial(seed, **task, **what) for seed in seeds)
    config = {key: value for key, value in trials[0].flat().items() if key != "seed"}
    return Cell(
        id=trials[0].cell_id, config=config, over=over, roles=roles, base=base, trials=trials
    )


def ablation(*, tasks: tuple[str, ...] = ("digits",), seeds: tuple[int, ...] = SEEDS) -> Plan:
    """TP, IIP, PGN and four prompt lengths; the base cell is PGN with 8 prompts."""
    cells = []
    for task in tasks:
        over = {"task": task}
        for length in (1, 4, 8, 16):
            roles = [Role(axis="prompt_length", label=str(length), value=length)]
            base = length == 8
            if base:
                roles.append(Role(axis="method", label="PGN", value="pgn"))
            cells.append(cell(*roles, over=over, seeds=seeds, base=base, prompt_length=length))
        iip = Role(axis="method", label="IIP", value="iip")
        cells.append(cell(iip, over=over, seeds=seeds, method="iip", prompt_length=8))
        tp = Role(axis="method", label="TP", value="tp")
        cells.append(cell(tp, over=over, seeds=seeds[:1], method="tp", epochs=0))
    return Plan(
        sweep="ablation",
        profile="demo",
        seeds=seeds,
        cells=tuple(cells),
        tables=(
            Table(id="T1", title="Methods", axis="method", target="pgn/T1"),
            Table(id="T3a", title="Number of prompts", axis="prompt_length", target="pgn/T3a"),
        ),
        curves=(Curve(id="length", title="Prompt length", axis="prompt_length", target="pgn/T3a"),),
        settings={"sweep": "ablation", "seeds": len(seeds)},
    )


def accuracy(spec: TrialSpec) -> float:
    """TP 0.15, IIP 0.40, PGN from 0.50 up with the length; a seed moves it by one point."""
    if spec.method == "tp":
        return 0.15
    base = 0.40 if spec.method == "iip" else 0.50 + 0.01 * min(spec.params["prompt_length"], 8)
    return base + (0.0, 0.01, -0.01, 0.005, -0.005)[spec.seed]


def record(epoch: int, acc: float = 0.5) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=epoch * 10,
        lr=0.1,
        train_loss=1.0 / epoch,
        train_acc=acc,
        val_loss=1.1 / epoch,
        val_acc=acc,
        seconds=0.5,
    )


def result(
    spec: TrialSpec, status: TrialStatus = TrialStatus.FINISHED, acc: float | None = None
) -> TrialResult:
    done = status is TrialStatus.FINISHED
    score = Score(acc=accuracy(spec) if acc is None else acc, loss=0.7, n=1000)
    return TrialResult(
        trial_id=spec.id,
        status=status,
        test=score if done else None,
        val=score if done else None,
        trainable_parameters=1234,
        epochs=spec.recipe.epochs if done else 1,
        seconds=1.5,
        reason="" if done else f"{status} for a reason",
        provenance={"device": "cpu", "data_digest": "d1"},
    )


def train(writer: Writer, spec: TrialSpec, ended: TrialResult | None = None) -> None:
    """What a driver tells of one trial, from its start to its end."""
    writer.trial_started(spec, 1)
    ended = ended or result(spec)
    for epoch in range(1, ended.epochs + 1):
        writer.epoch(spec, record(epoch))
    writer.trial_ended(spec, ended)
