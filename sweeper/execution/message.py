"""What a worker tells the driver: its start, epochs, one result, as Ray Tune carries them.

Schedulers and samplers read the plain metrics and `EPOCH` of a message; the driver reads the
record or the result, which travel as JSON, so that no library between the two rewrites them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sweeper.records import EpochRecord, TrialResult

EPOCH = "epoch"
START, RECORD, RESULT = "start", "record", "result"


def of_start() -> dict[str, Any]:
    """The message of a worker that has been placed; only Ray Train's need to say so."""
    return {START: True}


def of_epoch(record: EpochRecord, *, last: bool) -> dict[str, Any]:
    """The message of an epoch.

    The last one names no `EPOCH`: no early stopping comes between the training and the test.
    """
    message: dict[str, Any] = {**record.metrics(), RECORD: json.dumps(asdict(record))}
    return message if last else message | {EPOCH: record.epoch}


def of_result(result: TrialResult) -> dict[str, Any]:
    """The last message of a trial, with the validation metrics that a search may read."""
    metrics = {"val/acc": result.val.acc, "val/loss": result.val.loss} if result.val else {}
    return {**metrics, EPOCH: result.epochs, RESULT: json.dumps(result.to_json())}


def read(message: Mapping[str, Any]) -> EpochRecord | TrialResult | None:
    """The record or the result in `message`; None where it is that of a start."""
    if START in message:
        return None
    if RESULT in message:
        return TrialResult.from_json(json.loads(message[RESULT]))
    return EpochRecord(**json.loads(message[RECORD]))
