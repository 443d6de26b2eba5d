"""One thing that the driver told its listeners, as it waits for the store."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sweeper.faults import Incident
from sweeper.records import EpochRecord, TrialResult
from sweeper.spec.trial import TrialSpec

if TYPE_CHECKING:
    from sweeper.tracking.writer import Writer


@dataclass(frozen=True)
class Event:
    """`said` tells the kind: the number of an attempt, an epoch, a result, an incident, or how the
    launch ended, in MLflow's word.
    """

    said: int | EpochRecord | TrialResult | Incident | str
    trial: TrialSpec | None = None  # None: an incident, an end
    when: int = 0  # milliseconds since 1970

    @classmethod
    def now(cls, said: int | EpochRecord | TrialResult, trial: TrialSpec) -> Event:
        """What is said of `trial` at this moment."""
        return cls(said, trial, time.time_ns() // 1_000_000)

    def tell(self, writer: Writer) -> None:
        """Have it recorded, with the time at which it happened."""
        if isinstance(self.said, Incident):
            writer.incident(self.said)
            return
        if isinstance(self.said, str):
            writer.ended(self.said)
            return
        assert self.trial is not None
        match self.said:
            case int(attempt):
                writer.trial_started(self.trial, attempt, at=self.when)
            case EpochRecord() as record:
                writer.epoch(self.trial, record, at=self.when)
            case TrialResult() as result:
                writer.trial_ended(self.trial, result, at=self.when)

    def to_json(self) -> str:
        """One line that `from_json` reads back."""
        if isinstance(self.said, Incident):
            return json.dumps({"incident": self.said.to_json()})
        if isinstance(self.said, str):
            return json.dumps({"ended": self.said})
        assert self.trial is not None
        line: dict[str, object] = {
            "when": self.when,
            "trial": self.trial.model_dump(mode="json"),
        }
        match self.said:
            case int(attempt):
                line["attempt"] = attempt
            case EpochRecord() as record:
                line["epoch"] = asdict(record)
            case TrialResult() as result:
                line["result"] = result.to_json()
        return json.dumps(line)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        found = json.loads(line)
        if "incident" in found:
            return cls(Incident.from_json(found["incident"]))
        if "ended" in found:
            return cls(str(found["ended"]))
        trial = TrialSpec.model_validate_json(json.dumps(found["trial"]))
        if "attempt" in found:
            return cls(int(found["attempt"]), trial, found["when"])
        if "epoch" in found:
            return cls(EpochRecord(**found["epoch"]), trial, found["when"])
        return cls(TrialResult.from_json(found["result"]), trial, found["when"])
