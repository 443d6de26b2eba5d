"""When and with what a launch began: what its run says of it, whenever that is written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sweeper.errors import InputError, Problem
from sweeper.spec.plan import Plan
from sweeper.spec.sources import kind_of
from sweeper.tracking import provenance


@dataclass(frozen=True)
class Origin:
    """Plain data; `sources` are the user's own methods, identity -> text."""

    launched: int  # milliseconds since 1970
    provenance: Mapping[str, str]
    sources: Mapping[str, str]

    @classmethod
    def now(cls, plan: Plan) -> Origin:
        """The origin of a launch of `plan` that begins now. Raises InputError where the user's
        method is gone.
        """
        methods = {
            identity: _text(Path(path))
            for identity, path in plan.sources.items()
            if kind_of(identity) == "method"  # images and weights stay where they are
        }
        return cls(time.time_ns() // 1_000_000, provenance.collect(), methods)

    def to_json(self) -> dict[str, Any]:
        """What the constructor takes."""
        return asdict(self)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # line ends are part of its digest
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError(
            Problem(f"method file {path}", found, "the file that the plan was made of")
        ) from error
