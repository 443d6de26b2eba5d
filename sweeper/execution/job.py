"""What all trials of one launch share, as it travels from the driver to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeper import discovery
from sweeper.backbones import weights_file
from sweeper.errors import InputError, Problem
from sweeper.redaction import secret_in
from sweeper.spec.plan import Plan, Resources
from sweeper.spec.sources import kind_of
from sweeper.tasks import catalog as tasks


@dataclass(frozen=True)
class Job:
    """Plain data. The user's method files travel as text, so that a worker needs no path of the
    driver's machine, and an edit while the sweep runs changes nothing.
    """

    storage: str  # a folder that every node reaches
    resources: Resources
    methods: dict[str, tuple[str, str]]  # identity -> (file name, text)
    folders: dict[str, str]  # identity of a task's data -> folder of images, or the joint task
    weights: dict[str, str]  # identity of a file of weights -> its path

    @classmethod
    def of(cls, plan: Plan, storage: Path = Path()) -> Job:
        """The job of `plan` with its checkpoints under `storage`; reads the user's method files."""
        methods, folders, weights = (
            {name: path for name, path in plan.sources.items() if kind_of(name) == kind}
            for kind in ("method", "data", "weights")
        )
        return cls(
            storage=str(storage),
            resources=plan.resources,
            methods={
                identity: (Path(path).name, Path(path).read_bytes().decode())
                for identity, path in methods.items()
            },
            folders=folders,
            weights=weights,
        )

    def checkpoint(self, trial_id: str) -> Path:
        """Where a trial keeps its checkpoint; the folder is the trial's own."""
        return checkpoint_file(Path(self.storage), trial_id)

    def trained(self, trial_id: str) -> Path:
        """Where a trial that finished leaves what it has learned, until it is recorded."""
        return trained_file(Path(self.storage), trial_id)

    def traceback(self, trial_id: str) -> Path:
        """Where the traceback of a failed trial is written."""
        return Path(self.storage) / "failures" / f"{trial_id}.txt"


def checkpoint_file(storage: Path, trial_id: str) -> Path:
    """`Job.checkpoint` of a job with this storage."""
    return storage / "checkpoints" / trial_id / "trial.safetensors"


def trained_file(storage: Path, trial_id: str) -> Path:
    """`Job.trained` of a job with this storage; the folder is that of the trial's checkpoint."""
    return checkpoint_file(storage, trial_id).with_name("state.safetensors")


def check_sources(sources: Mapping[str, str]) -> None:
    """Raises InputError where a user's images are gone, or their method or their file of weights
    is gone or is not what the plan was made of, or a method that is to be recorded holds a secret.
    """
    problems = []
    for identity, source in sources.items():
        kind = kind_of(identity)
        if kind == "data":
            lost = [path for path in tasks.folders_of(source) if not path.exists()]
            problems += [
                Problem(f"task {path}", "no such folder or file", "its images") for path in lost
            ]
            continue
        path = Path(source)
        if not path.is_file():
            found = "nothing"
        elif kind == "method":
            found = discovery.identity_of(path.stem, path)
            if secret := secret_in(path.read_bytes().decode(errors="replace")):
                rule, hint = "no secret: its text is kept with the launch", "Read it when it runs."
                problems.append(Problem(f"method file {path}", f"it holds {secret}", rule, hint))
        else:
            found = weights_file.identity_of(path)
        if found != identity:
            hint = "Run the sweep file again, which makes new trials of it, or bring it back."
            problems.append(Problem(f"{kind} file {path}", f"it is {found}", identity, hint))
    if problems:
        raise InputError(problems)
