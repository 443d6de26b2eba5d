"""What travels from a worker to the driver arrives as it was."""

from __future__ import annotations

from sweeper.execution.message import EPOCH, of_epoch, of_result, read
from sweeper.records import EpochRecord, Score, TrialResult, TrialStatus

RECORD = EpochRecord(3, 30, 0.1, 1.25, 0.5, 1.5, 0.25, 2.0)
RESULT = TrialResult(
    "abc", TrialStatus.FINISHED, Score(0.75, 0.5, 600), Score(0.5, 0.25, 300), 10, 3, 6.0
)


def test_records_and_results_survive_the_journey() -> None:
    assert read(of_epoch(RECORD, last=False)) == RECORD
    assert read(of_result(RESULT)) == RESULT


def test_a_search_reads_validation_and_never_test() -> None:
    for message in (of_epoch(RECORD, last=False), of_result(RESULT)):
        assert message["val/acc"] in (RECORD.val_acc, 0.5)
        assert not [name for name in message if name.startswith("test")]


def test_no_early_stopping_between_the_last_epoch_and_the_test() -> None:
    assert EPOCH in of_epoch(RECORD, last=False)
    assert EPOCH not in of_epoch(RECORD, last=True)
