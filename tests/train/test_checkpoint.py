import pytest
import torch

from sweeper.errors import CheckpointError
from sweeper.train.checkpoint import Checkpoint, read, write


def example():
    return Checkpoint(
        epoch=3,
        step=15,
        seconds=1.25,
        state={
            "prompts": torch.arange(6.0).view(2, 3),
            "trunk.1.num_batches_tracked": torch.tensor(7),
        },
        memory={"prompts/momentum_buffer": torch.ones(2, 3), "prompts/step": torch.tensor(4.0)},
        best={"prompts": torch.zeros(2, 3)},
        best_acc=0.75,
    )


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep" / "trial.safetensors"
    write(example(), path, "id-1")
    found = read(path, "id-1")
    assert (found.epoch, found.step, found.seconds, found.best_acc) == (3, 15, 1.25, 0.75)
    for part in ("state", "memory", "best"):
        ours, theirs = getattr(example(), part), getattr(found, part)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_writing_again_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "trial.safetensors"
    write(example(), path, "id-1")
    write(example(), path, "id-1")
    assert [p.name for p in tmp_path.iterdir()] == ["trial.safetensors"]


def test_a_failed_writing_keeps_the_old_file_and_leaves_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "trial.safetensors"
    write(example(), path, "id-1")

    def full(_):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(example(), path, "id-2")
    assert [p.name for p in tmp_path.iterdir()] == ["trial.safetensors"]
    assert read(path, "id-1").epoch == 3


def test_a_checkpoint_of_another_trial_is_refused(tmp_path):
    path = tmp_path / "trial.safetensors"
    write(example(), path, "id-1")
    with pytest.raises(CheckpointError, match="belongs to trial id-1, not to id-2"):
        read(path, "id-2")


@pytest.mark.parametrize("keep", [0, 5, 60, 0.5, -1])
def test_a_cut_file_is_refused(tmp_path, keep):
    path = tmp_path / "trial.safetensors"
    write(example(), path, "id-1")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        read(path, "id-1")


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "trial.safetensors"
    write(example(), path, "id-1")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        read(path, "id-1")


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        read(tmp_path / "none", "id-1")
    save_file({"a": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        read(tmp_path / "foreign", "id-1")
