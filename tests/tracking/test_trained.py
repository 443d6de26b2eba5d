import dataclasses
import shutil

import pytest

from sweeper.errors import InputError, StoreError
from sweeper.records import TrialStatus
from sweeper.spec.plan import Plan
from sweeper.tracking import history, names
from sweeper.tracking.store import open_store
from sweeper.tracking.trained import find_trial, source_of, trained_file
from sweeper.tracking.writer import Writer

from . import made

SEEDS = (0, 1, 2, 3)


@pytest.fixture
def store(tmp_path):
    return made.blank_store(tmp_path / "results")


def plan(**changes) -> Plan:
    cells = (made.cell(prompt_length=4, seeds=SEEDS),)
    return Plan(sweep="small", profile="demo", seeds=SEEDS, cells=cells, **changes)


def left(tmp_path, trial_id):
    """Where a worker leaves what a trial has learned."""
    return tmp_path / "left" / trial_id / names.TRAINED_FILE


def learned(spec, **changes):
    ended = made.result(spec, **changes)
    provenance = {**ended.provenance, names.TRAINED: "digest"}
    return dataclasses.replace(ended, provenance=provenance)


@pytest.fixture
def recorded(store, tmp_path):
    """Four trials: one that keeps what it learned, an old one, one without parameters, a failed."""
    whole = plan()
    keeps, old, nothing, failed = whole.trials()
    left(tmp_path, keeps.id).parent.mkdir(parents=True)
    left(tmp_path, keeps.id).write_bytes(b"tensors")
    with Writer(store, whole, trained=lambda key: left(tmp_path, key)) as writer:
        made.train(writer, keeps, learned(keeps))
        made.train(writer, old)
        made.train(
            writer, nothing, dataclasses.replace(made.result(nothing), trainable_parameters=0)
        )
        made.train(writer, failed, made.result(failed, TrialStatus.FAILED))
    shutil.rmtree(tmp_path / "left")
    return store, whole.trials()


def test_what_a_trial_learned_is_kept_after_the_workers_file_is_gone(recorded):
    store, (keeps, *_) = recorded
    assert trained_file(store, find_trial(store, keeps.id)).read_bytes() == b"tensors"


def test_it_is_found_where_a_store_was_moved_to(recorded, tmp_path):
    store, (keeps, *_) = recorded
    (tmp_path / "results").rename(tmp_path / "moved")
    store = open_store(f"sqlite:///{tmp_path / 'moved' / 'mlflow.db'}")
    path = trained_file(store, find_trial(store, keeps.id))
    assert path.read_bytes() == b"tensors"
    assert path.is_relative_to(tmp_path / "moved")
    path.unlink()
    with pytest.raises(InputError, match="its file is gone"):
        trained_file(store, find_trial(store, keeps.id))


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (1, "finished under a version of sweeper that did not keep"),
        (2, "'pgn' has nothing to train"),
        (3, "it is failed; expected a finished trial"),
    ],
)
def test_a_trial_that_keeps_nothing_says_why(recorded, which, expected):
    store, trials = recorded
    with pytest.raises(InputError, match=expected):
        trained_file(store, find_trial(store, trials[which].id))


def test_the_result_is_written_after_what_was_learned(store, tmp_path, monkeypatch):
    whole = plan()
    spec = whole.trials()[0]
    left(tmp_path, spec.id).parent.mkdir(parents=True)
    left(tmp_path, spec.id).write_bytes(b"tensors")
    writer = Writer(store, whole, trained=lambda key: left(tmp_path, key))
    writer.trial_started(spec, 1)

    def full(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(type(store.client), "log_artifact", full)
        with pytest.raises(StoreError, match="no space left"):
            writer.trial_ended(spec, learned(spec))
    assert history.finished(store, [spec.id]) == {}
    assert find_trial(store, spec.id).status is TrialStatus.RUNNING
    again = Writer(store, whole, trained=lambda key: left(tmp_path, key))
    again.trial_started(spec, 1)
    again.trial_ended(spec, learned(spec))
    assert trained_file(store, find_trial(store, spec.id)).read_bytes() == b"tensors"


def test_a_promised_file_that_is_not_there_is_an_error_and_no_result(store, tmp_path):
    whole = plan()
    spec = whole.trials()[0]
    writer = Writer(store, whole, trained=lambda key: left(tmp_path, key))
    with pytest.raises(StoreError, match="what it has learned is not at"):
        made.train(writer, spec, learned(spec))
    assert history.finished(store, [spec.id]) == {}


def test_a_trial_is_found_by_enough_digits_and_otherwise_the_nearest_is_named(recorded):
    store, trials = recorded
    wanted = trials[0].id
    others = [spec.id for spec in trials[1:]]
    enough = next(
        wanted[:n] for n in range(1, 17) if not any(o.startswith(wanted[:n]) for o in others)
    )
    assert find_trial(store, enough).trial_id == wanted
    typo = wanted[:-1] + ("0" if wanted[-1] != "0" else "1")
    with pytest.raises(InputError, match=f"Did you mean '{wanted}'"):
        find_trial(store, typo)
    with pytest.raises(InputError, match="none of the 4 trials"):
        find_trial(store, "")
    with pytest.raises(InputError, match="none of the 4 trials"):
        find_trial(store, "zzzz")


def test_digits_that_several_trials_share_are_refused(store):
    spec = plan().trials()[0]
    with Writer(store, plan()) as writer:
        writer.trial_started(spec, 1)
    (run,) = history.recorded_trials(store).values()
    tags = store.client.get_run(run.run_id).data.tags
    twin = {key: value for key, value in tags.items() if key.startswith("sweeper.")}
    twin[names.TRIAL_ID] = spec.id[:4] + "f" * 12
    store.create_run(history.experiments(store)["small"], "twin", twin)
    with pytest.raises(InputError, match=f"2 trials begin so: {spec.id}, {spec.id[:4]}{'f' * 12}"):
        find_trial(store, spec.id[:4])


def test_the_source_of_a_users_method_comes_back_to_the_byte(store, tmp_path):
    method = tmp_path / "mine.py"
    method.write_bytes(b'"""Mine."""\r\nx = "\xc3\xa9"\n')
    cell = made.cell(method="mine@123", prompt_length=4, seeds=(0,))
    sources = {"mine@123": str(method)}
    own = Plan(sweep="own", profile="demo", seeds=(0,), cells=(cell,), sources=sources)
    with Writer(store, own) as writer:
        made.train(writer, own.trials()[0])
    with Writer(store, plan()) as writer:
        made.train(writer, plan().trials()[0])
    assert source_of(store, find_trial(store, own.trials()[0].id)) == method.read_bytes()
    assert source_of(store, find_trial(store, plan().trials()[0].id)) is None
