from sweeper.tasks.labels import alike, label_all


def told(written, names=None):
    found = label_all(written, names, "at {}".format, "here")
    return found.classes, found.labels, [str(problem) for problem in found.problems]


def test_labels_without_names_are_their_own_names_in_order():
    assert told([10, 9, 10]) == (("9", "10"), [1, 0, 1], [])
    assert told(["b_c", "a"]) == (("a", "b c"), [1, 0], [])
    assert told([]) == ((), [], [])


def test_names_are_counted_from_zero_or_written_out():
    assert told([1, 0], ("x", "y")) == (("x", "y"), [1, 0], [])
    assert told(["sea_horse", "cat"], ("cat", "sea horse")) == (("cat", "sea horse"), [1, 0], [])


def test_what_is_wrong_is_named_at_its_place():
    _, labels, said = told([0, 2, None, -1, "b"], ("x", "y"))
    assert labels == [0] * 5
    assert [text.split(";")[0] for text in said] == [
        "at 1: label 2",
        "at 2: no label (null)",
        "at 3: label -1",
        "at 4: label 'b'",
    ]
    assert told(["a_b", "a b"])[2] == ["here: 'a b' and 'a_b'; expected class names that differ"]
    assert told([0, -1])[2] == ["at 1: label -1; expected 0 or more"]


def test_names_given_twice_are_said():
    assert [*alike(("crane", "cat", "crane"), "here")] == [
        "here: classes 0 and 2 are both called 'crane'"
    ]
    assert told([2, 0], ("crane", "cat", "crane"))[1:] == ([2, 0], [])
