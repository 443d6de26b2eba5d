import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog

SMALL = Preprocessing(6, (0.5,) * 3, (0.5,) * 3, "bilinear", "squash")
HERE = Path()


def png(level):
    file = BytesIO()
    Image.fromarray(np.full((6, 6, 3), level, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def column(values, names=None):
    """A table's worth of rows, with Hugging Face's metadata where class names are given."""
    if names is None:
        return pa.table(values)
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    said = json.dumps({"info": {"features": features}})
    return pa.table(values).replace_schema_metadata({"huggingface": said})


def write(path, table, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return str(path)


def rows(count, start=0, **more):
    """`count` images, each of its own grey, of three classes in turn."""
    levels = range(start, start + count)
    images = [png(level) for level in levels]
    return {"image": images, "label": [level % 3 for level in levels], **more}


def problems(name):
    with pytest.raises(InputError) as caught:
        catalog.describe(name, HERE)
    return [str(problem) for problem in caught.value.problems]


def levels(split):
    return split.images[:, 0, 0, 0].tolist()


def test_a_file_with_splits_is_read_as_it_says(tmp_path):
    said = ["train"] * 9 + ["validation"] * 6 + ["test"] * 3
    path = write(tmp_path / "grey.parquet", column(rows(18, split=said)), row_group_size=4)
    task = catalog.load(path, SMALL)
    assert task.info == catalog.describe(path, HERE)
    assert (task.info.name, task.info.rule) == ("grey", "given")
    assert task.info.classes == ("0", "1", "2")
    assert levels(task.train) == [*range(9)]
    assert levels(task.val) == [*range(9, 15)]
    assert levels(task.test) == [15, 16, 17]
    assert task.val.labels.tolist() == [0, 1, 2] * 2
    assert task.train.images.shape == (9, 3, 6, 6)


def test_rows_without_a_split_are_dealt_per_class_by_their_paths(tmp_path):
    paths = [f"{place % 3}/{place}.png" for place in range(60)]
    task = catalog.load(write(tmp_path / "a.parquet", column(rows(60, path=paths))), SMALL)
    seen = [levels(split) for split in (task.train, task.val, task.test)]
    assert sorted(sum(seen, start=[])) == [*range(60)]  # noqa: RUF017
    for split in (task.train, task.val, task.test):
        assert [level % 3 for level in levels(split)] == split.labels.tolist()
        assert set(split.labels.tolist()) == {0, 1, 2}
    assert task.info.rule == "generated"
    turned = {name: values[::-1] for name, values in rows(60, path=paths).items()}
    other = catalog.load(write(tmp_path / "b.parquet", column(turned)), SMALL)
    assert [sorted(levels(s)) for s in (other.train, other.val, other.test)] == seen


def test_val_alone_is_a_fifth_of_train(tmp_path):
    said = ["train"] * 150 + ["test"] * 30
    path = write(tmp_path / "a.parquet", column(rows(180, split=said)))
    task = catalog.load(path, SMALL)
    assert levels(task.test) == [*range(150, 180)]
    assert sorted(levels(task.train) + levels(task.val)) == [*range(150)]
    assert 15 <= len(task.val) <= 45


def test_rows_of_one_path_are_told_apart_by_their_images_and_copies_stay_together(tmp_path):
    doubled = {
        "image": [{"bytes": png(level), "path": "image.png"} for level in range(30)] * 2,
        "label": ["cat", "dog", "cow"] * 20,
    }
    task = catalog.load(write(tmp_path / "a.parquet", column(doubled)), SMALL)
    assert task.info.classes == ("cat", "cow", "dog")
    seen = [levels(split) for split in (task.train, task.val, task.test)]
    assert sum(map(len, seen)) == 60
    assert (
        not set(seen[0]) & set(seen[1]) | set(seen[0]) & set(seen[2]) | set(seen[1]) & set(seen[2])
    )


def test_class_names_are_hugging_face_s_or_those_of_the_file_beside(tmp_path):
    names = ["german_shepherd", "cat", "cow"]
    path = write(tmp_path / "a.parquet", column(rows(18), names))
    assert catalog.describe(path, HERE).classes == ("german shepherd", "cat", "cow")
    path = write(tmp_path / "b.parquet", column(rows(18)))
    before = catalog.describe(path, HERE)
    (tmp_path / "b.json").write_text(json.dumps({"classes": names}))
    after = catalog.describe(path, HERE)
    assert (before.classes, after.classes) == (("0", "1", "2"), ("german shepherd", "cat", "cow"))
    assert before.data != after.data


def test_texts_and_numbers_that_do_not_begin_at_zero_are_classes_in_their_order(tmp_path):
    said = {**rows(18), "label": pa.array([[10, 9, 200][at % 3] for at in range(18)], pa.uint8())}
    info = catalog.describe(write(tmp_path / "a.parquet", column(said)), HERE)
    assert info.classes == ("9", "10", "200")
    said["label"] = pa.array([["b_1", "a", "c"][at % 3] for at in range(18)]).dictionary_encode()
    task = catalog.load(write(tmp_path / "b.parquet", column(said)), SMALL)
    assert task.info.classes == ("a", "b 1", "c")
    assert [[1, 0, 2][level % 3] for level in levels(task.test)] == task.test.labels.tolist()


def test_every_broken_row_is_named_by_file_and_number(tmp_path):
    said = rows(18)
    said["image"][4] = None
    said["image"][7] = png(7)[:40]
    said["image"][11] = b"<html>"
    said["label"] = [None if at == 2 else 3 if at == 5 else at % 3 for at in range(18)]
    path = write(tmp_path / "a.parquet", column(said, ["x", "y", "z"]), row_group_size=3)
    before = Path(path).stat().st_mtime_ns
    found = problems(path)
    assert [text.split(": ")[0] for text in found] == [f"{path}, row {n}" for n in (2, 5, 4, 7, 11)]
    assert "no label (null)" in found[0]
    assert "label 3; expected 0 to 2" in found[1]
    assert "null, where the bytes" in found[2]
    assert Path(path).stat().st_mtime_ns == before


def test_many_broken_rows_are_counted(tmp_path):
    said = {"image": [b"no image"] * 100, "label": [0, 1] * 50}
    found = problems(write(tmp_path / "a.parquet", column(said)))
    assert len(found) == 21
    assert "80 more like these (100 in all)" in found[-1]


def test_texts_that_name_no_class_get_the_nearest(tmp_path):
    said = {**rows(18), "label": ["cat", "dgo", "cow"] * 6}
    path = write(tmp_path / "a.parquet", column(said))
    (tmp_path / "a.json").write_text('["cat", "dog", "cow"]')
    assert "row 1: label 'dgo'" in problems(path)[0]
    assert "Did you mean 'dog'" in problems(path)[0]


def test_rows_of_other_splits_are_left_out_and_said(tmp_path, capsys):
    said = ["train", "extra", "test"] * 12
    labels = [at // 3 % 3 for at in range(36)]
    path = write(tmp_path / "a.parquet", column({**rows(36, split=said), "label": labels}))
    task = catalog.load(path, SMALL)
    assert levels(task.test) == [*range(2, 36, 3)]
    assert catalog.describe(path, HERE).sizes["test"] == 12
    found = capsys.readouterr().err
    assert "left out 12 rows that are not of train, val or test but of 'extra'" in found


def test_splits_that_are_none_of_the_three_are_named(tmp_path):
    path = write(tmp_path / "a.parquet", column(rows(12, split=["fold 1", "fold 2"] * 6)))
    rule = "splits 'fold 1', 'fold 2' alone; expected train, val or test"
    assert f"{path}: {rule}" in problems(path)


def test_a_class_that_train_lacks_is_an_error_and_one_that_test_lacks_a_note(tmp_path, capsys):
    said = rows(18, split=["train"] * 12 + ["test"] * 6)
    said["label"] = [at % 2 for at in range(12)] + [0] * 6
    path = write(tmp_path / "a.parquet", column(said, ["a", "b"]))
    catalog.describe(path, HERE)
    assert "test has no images of 1 classes, such as 'b'" in capsys.readouterr().err
    (found,) = problems(write(tmp_path / "b.parquet", column(said, ["a", "b", "c"])))
    assert found.startswith(f"{tmp_path}/b.parquet, class 'c' in train: no images")
    said["split"] = ["test"] * 18
    found = problems(write(tmp_path / "c.parquet", column(said)))
    assert found == [
        f"{tmp_path}/c.parquet: no train split, only test; expected images to train on"
    ]


def test_the_same_images_are_the_same_data_wherever_they_lie(tmp_path):
    first = catalog.describe(write(tmp_path / "a.parquet", column(rows(18))), HERE)
    other = write(tmp_path / "b.parquet", column(rows(18)), row_group_size=5, compression="gzip")
    assert catalog.describe(other, HERE).data == first.data
    changed = write(tmp_path / "c.parquet", column(rows(18, start=1)))
    assert catalog.describe(changed, HERE).data != first.data


def test_a_file_is_decoded_with_one_row_group_at_a_time_in_memory(tmp_path, monkeypatch):
    from sweeper.tasks.shard import Shard

    said = rows(90, split=["train", "val", "test"] * 30)
    said["label"] = [at // 3 % 3 for at in range(90)]
    path = write(tmp_path / "a.parquet", column(said), row_group_size=30)
    read = []
    original = Shard.read_group

    def counted(shard, number):
        read.append(number)
        return original(shard, number)

    monkeypatch.setattr(Shard, "read_group", counted)
    task = catalog.load(path, SMALL)
    assert read == [0, 1, 2] * 4, "in order: to check all, and for each split"
    assert torch.equal(task.train.images[:, 0, 0, 0], torch.arange(0, 90, 3, dtype=torch.uint8))
