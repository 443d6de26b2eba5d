import pytest

from sweeper.tasks.deal import deal, portions, shuffled

SHARES = {"test": 0.2, "val": 0.2}


def names(count):
    return [f"cat/{place:05}.jpg" for place in range(count)]


def test_shares_are_kept_and_every_image_is_dealt_once():
    dealt = deal(names(5000), SHARES)
    assert sorted(sum(dealt.values(), start=[])) == names(5000)  # noqa: RUF017
    assert 900 < len(dealt["test"]) < 1100
    assert 900 < len(dealt["val"]) < 1100


def test_an_image_keeps_its_split_when_others_are_added():
    before, after = deal(names(100), SHARES), deal(names(300), SHARES)
    for split, found in before.items():
        assert set(found) <= set(after[split])


@pytest.mark.parametrize("count", range(3, 12))
def test_no_split_of_a_small_class_is_empty(count):
    for prefix in "abcdefgh":
        dealt = deal([prefix + name for name in names(count)], SHARES)
        assert all(dealt.values())
        assert sum(map(len, dealt.values())) == count


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="2 images cannot fill 3 splits"):
        deal(names(2), SHARES)


def test_the_order_does_not_depend_on_what_else_is_there():
    some = names(10)
    inside = [name for name in shuffled(names(30)) if name in some]
    assert shuffled(some) == inside
    assert shuffled(some[::-1]) == inside != some


def test_portions_are_exact_but_for_rounding_and_follow_the_hashes():
    found = portions(names(11), {"train": 0.5, "val": 0.2}, "test")
    assert {split: len(dealt) for split, dealt in found.items()} == {
        "train": 6,  # 5.5, to the even number
        "val": 2,
        "test": 3,
    }
    assert found["train"] + found["val"] + found["test"] == shuffled(names(11))
    assert portions(names(11)[::-1], {"train": 0.5, "val": 0.2}, "test") == found
    assert len(portions(names(100), {"val": 0.2}, "train")["train"]) == 80
