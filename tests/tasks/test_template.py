"""Templates other than the task's own: a text, one by name, and those of joint tasks' parts."""

from dataclasses import replace

import pytest

from sweeper.errors import InputError
from sweeper.tasks import joint
from sweeper.tasks.task import TaskInfo
from sweeper.tasks.template import worded

SIZES = {"train": 3, "val": 2, "test": 2}
PETS = TaskInfo(
    "pets", "1", "", ("cat", "dog"), "This is a photo of a {}", SIZES,
    templates={"coop": "a photo of a {}, a type of pet."},
)  # fmt: skip
LAND = TaskInfo(
    "land", "1", "", ("sea", "field"), "This is a photo of a {}", SIZES,
    templates={"coop": "a centered satellite photo of {}."},
)  # fmt: skip
DIGITS = TaskInfo("digits", "1", "", ("one", "two"), "the digit {}", SIZES)


def test_none_is_the_tasks_own():
    assert worded(PETS, "") is PETS


def test_a_name_is_one_of_the_tasks_others_and_a_text_is_itself():
    assert worded(PETS, "coop") == replace(PETS, template="a photo of a {}, a type of pet.")
    assert worded(DIGITS, "a {}.") == replace(DIGITS, template="a {}.")
    assert worded(worded(PETS, "coop"), "coop") == worded(PETS, "coop")


def test_a_name_that_the_task_does_not_have_is_an_error():
    with pytest.raises(InputError) as caught:
        worded(DIGITS, "coop")
    assert str(caught.value) == (
        "template of task 'digits': 'coop'; expected one that it has (none), or a text with '{}'"
    )
    with pytest.raises(InputError, match=r"one that it has \(coop\)"):
        worded(PETS, "imagenet")


def test_of_a_joint_task_it_reaches_the_parts():
    both = joint.describe([PETS, LAND])
    found = worded(both, "coop")
    assert found.template == "{}"
    assert found.classes == (
        "a photo of a cat, a type of pet.",
        "a photo of a dog, a type of pet.",
        "a centered satellite photo of sea.",
        "a centered satellite photo of field.",
    )
    assert (found.data, found.parts, found.sizes) == (both.data, both.parts, both.sizes)
    again = worded(found, "a {}.")
    assert again.classes == ("a cat.", "a dog.", "a sea.", "a field.")


def test_every_part_that_lacks_it_is_named():
    numbers = replace(DIGITS, name="numbers", classes=("three",))
    with pytest.raises(InputError) as caught:
        worded(joint.describe([PETS, DIGITS, numbers]), "coop")
    assert [problem.where for problem in caught.value.problems] == [
        "template of task 'digits'",
        "template of task 'numbers'",
    ]


def test_parts_that_only_their_templates_told_apart_are_refused():
    figures = replace(DIGITS, name="figures", template="a figure of {}")
    both = joint.describe([DIGITS, figures])
    with pytest.raises(InputError, match="both have 'a one', 'a two'"):
        worded(both, "a {}")
