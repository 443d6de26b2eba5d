import pyarrow as pa
import pytest

from sweeper.errors import InputError
from sweeper.tasks import catalog, shard

from .test_parquet import HERE, SMALL, column, levels, problems, rows, write


@pytest.mark.parametrize(
    "names",
    [
        ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001", "test"),
        ("data/train-00000-of-00002-8a24f09b", "data/train_1", "data/val-0", "data/test-0"),
        ("train/0000", "train/0001", "valid/0000", "test/0000"),
    ],
)
def test_a_folder_of_files_is_split_as_they_are_called(tmp_path, names):
    root = tmp_path / "pets.v2"
    for start, name in zip((0, 9, 18, 27), names, strict=True):
        write(root / f"{name}.parquet", column(rows(9, start=start), ["a", "b", "c"]))
    task = catalog.load(str(root), SMALL)
    assert (task.info.name, task.info.rule) == ("pets.v2", "given")
    assert levels(task.train) == [*range(18)]
    assert levels(task.val) == [*range(18, 27)]
    assert levels(task.test) == [*range(27, 36)]
    assert task.info.classes == ("a", "b", "c")


def test_files_of_no_split_are_one_set_or_left_out(tmp_path, capsys):
    write(tmp_path / "pets" / "0000.parquet", column(rows(30)))
    write(tmp_path / "pets" / "0001.parquet", column(rows(30, start=30)))
    info = catalog.describe(str(tmp_path / "pets"), HERE)
    assert (sum(info.sizes.values()), info.rule) == (60, "generated")
    for name in ("train-0", "test-0", "train_extra-0"):
        write(tmp_path / "more" / f"{name}.parquet", column(rows(30)))
    assert sum(catalog.describe(str(tmp_path / "more"), HERE).sizes.values()) == 60
    assert "left out 1 files" in capsys.readouterr().err


def test_a_broken_row_is_named_in_its_own_file(tmp_path):
    write(tmp_path / "train-0.parquet", column(rows(9)))
    said = rows(9, start=9)
    said["image"][3] = b""
    write(tmp_path / "train-1.parquet", column(said))
    assert problems(str(tmp_path))[0].startswith(f"{tmp_path}/train-1.parquet, row 3: ")


def test_columns_that_lack_or_do_not_fit_are_all_named(tmp_path):
    texts = pa.table({"image": ["a.png"], "label": [0.5]})
    write(tmp_path / "train-0.parquet", pa.table({"picture": [b""], "text": ["a"]}))
    write(tmp_path / "train-1.parquet", texts)
    (tmp_path / "train-2.parquet").write_bytes(b"PAR1")
    found = problems(str(tmp_path))
    assert "columns picture, text; expected one called image or img" in found[0]
    assert "expected one called label or fine_label or labels" in found[1]
    assert "column 'image' of type string; expected bytes of image files" in found[2]
    assert "column 'label' of type double; expected integers or texts" in found[3]
    assert "train-2.parquet: unreadable" in found[4]


def test_files_must_agree_in_their_class_names(tmp_path):
    write(tmp_path / "train-0.parquet", column(rows(9), ["a", "b", "c"]))
    write(tmp_path / "test-0.parquet", column(rows(9), ["a", "c", "b"]))
    (found,) = problems(str(tmp_path))
    assert "other columns, kinds of label or class names" in found


def test_files_must_agree_in_the_kind_of_their_labels(tmp_path):
    write(tmp_path / "train-0.parquet", column(rows(9)))
    write(tmp_path / "test-0.parquet", column({**rows(9), "label": ["a", "b", "c"] * 3}))
    (found,) = problems(str(tmp_path))
    assert found.startswith(f"{tmp_path / 'train-0.parquet'}: other columns, kinds of label")


def test_a_damaged_row_group_breaks_its_rows_and_no_others(tmp_path):
    path = tmp_path / "a.parquet"
    write(path, column(rows(18)), row_group_size=9, compression="gzip", use_dictionary=False)
    (found,), _ = shard.found_in(path)
    pages = pa.parquet.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    begin = pages.data_page_offset + pages.total_compressed_size // 2
    data[begin : begin + 40] = b"\xff" * 40
    path.write_bytes(data)
    assert len(found.read_group(0)) == 9
    told = problems(str(path))
    assert [text.split(": ")[0] for text in told] == [f"{path}, row {row}" for row in range(9, 18)]
    assert "row group 1" in told[0]


def test_columns_may_have_the_names_of_cifar(tmp_path):
    said = rows(18)
    table = column(
        {
            "img": [{"bytes": data, "path": None} for data in said["image"]],
            "fine_label": said["label"],
            "coarse_label": [0] * 18,
        }
    )
    assert catalog.describe(write(tmp_path / "a.parquet", table), HERE).classes == ("0", "1", "2")


def test_a_folder_of_images_is_none_of_files(tmp_path):
    (tmp_path / "data").mkdir()
    assert not shard.is_folder(tmp_path)
    write(tmp_path / "data" / ".hidden.parquet", column(rows(3)))
    assert not shard.is_folder(tmp_path)
    with pytest.raises(InputError, match="one class, 'data'"):
        catalog.describe(str(tmp_path), HERE)
