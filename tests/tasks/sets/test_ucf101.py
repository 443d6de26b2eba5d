import pytest

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets

from .released import named, paint, small, split_file, write


@pytest.fixture
def place(tmp_path):
    """Middle frames in CoOp's folders, and the official lists of videos."""
    place = tmp_path / "ucf101"
    lists = place / "ucfTrainTestlist"
    write(lists / "classInd.txt", "1 ApplyEyeMakeup", "2 YoYo")
    videos = {"train": range(10), "test": range(10, 13)}
    for part, numbers in videos.items():
        lines = []
        for label, (action, folder) in enumerate(
            (("ApplyEyeMakeup", "Apply_Eye_Makeup"), ("YoYo", "Yo_Yo")), 1
        ):
            for number in numbers:
                paint(place / "UCF-101-midframes" / folder / f"v_{action}_{number}.jpg")
                label_too = f" {label}" if part == "train" else ""
                lines.append(f"{action}/v_{action}_{number}.avi{label_too}")
        write(lists / f"{part}list01.txt", *lines)
    return place


def test_lists_of_videos_name_frames_in_folders_with_underscores(place):
    found = small("ucf101", 2, generated=(16, 4, 6)).listing(place.parent)
    assert found.classes == ("Apply Eye Makeup", "Yo Yo")
    splits = named(found, place / "UCF-101-midframes")
    assert splits["test"] == {
        f"{folder}/v_{action}_{number}.jpg": label
        for label, (action, folder) in enumerate(
            (("ApplyEyeMakeup", "Apply_Eye_Makeup"), ("YoYo", "Yo_Yo"))
        )
        for number in range(10, 13)
    }
    held = shuffled([f"Yo_Yo/v_YoYo_{number}.jpg" for number in range(10)])[:2]
    assert {file for file, label in splits["val"].items() if label == 1} == set(held)


def test_the_published_split_needs_no_lists(place):
    for path in (place / "ucfTrainTestlist").iterdir():
        path.unlink()
    with pytest.raises(Missing, match=r"classInd.txt, .* are missing"):
        data_sets()["ucf101"].listing(place.parent)
    rows = [["Yo_Yo/v_YoYo_3.jpg", 0, "Yo_Yo"], ["Yo_Yo/v_YoYo_4.jpg", 0, "Yo_Yo"]]
    parts = {"train": rows[:1], "val": rows[:1], "test": rows[1:]}
    split_file(place / "split_zhou_UCF101.json", parts)
    found = small("ucf101", 1, split_zhou=(1, 1, 1)).listing(place.parent)
    assert found.classes == ("Yo Yo",)


def test_a_video_of_an_action_that_nobody_lists_is_named(place):
    write(place / "ucfTrainTestlist" / "testlist01.txt", "Sleeping/v_1.avi")
    with pytest.raises(InputError, match=r"testlist01.txt:1: 'Sleeping/v_1.avi'"):
        data_sets()["ucf101"].listing(place.parent)
