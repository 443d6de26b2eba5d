"""Every name under which something stands in the MLflow store, shared by writer and reader.

    experiment    the sweep; its name is the sweep's name
    launch run    one plan (sweep, profile, settings) and what ran for it
      cell run    one configuration: mean, std, interval and number of seeds
        trial run one seed of it: a metric per epoch, the test score, its provenance

A plan that is launched again, after an interruption or to add nothing, continues its launch run.
A configuration has one cell run per experiment, and it stands under the newest launch whose plan
contains it, so that the nested view of the newest launch is always complete. A trial has one run
in the whole store, wherever it was trained first; every plan that used it left a tag on it.
"""

from __future__ import annotations

# Tag of an experiment: prefix, then a plan's digest and a token: who is at the plan; see `lease`.
LEASE = "sweeper.lease."

# Kinds of run, and the tag that tells them apart.
KIND = "sweeper.kind"
LAUNCH, CELL, TRIAL = "launch", "cell", "trial"

# Tags of a launch run. LAUNCHED is the time of the newest launch, milliseconds since 1970.
SWEEP = "sweeper.sweep"
PROFILE = "sweeper.profile"
PLAN = "sweeper.plan"  # digest; set last, so that a launch run that has it has its plan too
LAUNCHED = "sweeper.launched"

INCIDENT = "sweeper.incident."  # prefix, then milliseconds and the trial: an Incident as JSON

# Tags of cell and trial runs.
CELL_ID = "sweeper.cell_id"
TRIAL_ID = "sweeper.trial_id"
ROLES = "sweeper.roles"
SPEC = "sweeper.spec"  # TrialSpec as JSON
STATUS = "sweeper.status"
ATTEMPT = "sweeper.attempt"
RESULT = "sweeper.result"  # TrialResult as JSON without provenance; set last: the trial ended
PROVENANCE = "sweeper.provenance."  # prefix
TRAINED = "trained"  # key of the provenance: digest of the tensors in TRAINED_FILE
USED_BY = "sweeper.used_by."  # prefix, then a plan's digest
REFUSED = "sweeper.refused."  # prefix, then an analysis: why it cannot be made; empty: it was

# Tags that MLflow gives a meaning.
PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
EXPERIMENT_KIND = "mlflow.experimentKind"
TRAINING = "custom_model_development"  # the kind whose page is a table of runs

# Metrics beside those of `EpochRecord.metrics`.
EPOCH = "epoch"
TRAINABLE_PARAMETERS = "trainable_parameters"
SECONDS = "seconds"
N_SEEDS = "n_seeds"

# Artifacts of a trial run.
TRAINED_FOLDER = "trained"
TRAINED_FILE = "state.safetensors"  # what it has learned; absent where it learned nothing

# Artifacts of a launch run.
PLAN_FILE = "plan.json"
SETTINGS_FILE = "settings.json"
REPORT_FOLDER = "report"
ANALYSIS_FOLDER = "analysis"  # of a trial run: what `sweeper analyse` found
SOURCES_FOLDER = "sources"  # the user's own method files, as they were trained

TAG_LIMIT = 8000  # characters that MLflow stores in a tag
PARAM_LIMIT = 6000  # characters that MLflow stores in a parameter


def mean_of(metric: str) -> str:
    """The cell metric that holds the mean of `metric` over seeds."""
    return f"{metric}_mean"


def std_of(metric: str) -> str:
    """The cell metric that holds the standard deviation (ddof 1) of `metric` over seeds."""
    return f"{metric}_std"


def ci95_of(metric: str) -> str:
    """The cell metric that holds the half width of the 95 % t-interval of `metric`."""
    return f"{metric}_ci95"
