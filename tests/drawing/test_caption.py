import random

import torch

from sweeper.drawing.caption import (
    TEMPLATES,
    VALUES,
    all_words,
    article,
    caption,
    captions,
    class_sentences,
    plural,
)
from sweeper.drawing.scene import ATTRIBUTES, draw_scenes

NOTHING = dict.fromkeys(ATTRIBUTES, -1)


def test_a_caption_says_what_was_drawn() -> None:
    labels = NOTHING | {
        "shape": VALUES["shape"].index("star"), "colour": VALUES["colour"].index("red"),
        "count": VALUES["count"].index("three"),
    }  # fmt: skip
    said = {caption(labels, random.Random(seed)) for seed in range(40)}
    assert "a photo of three red stars" in said
    assert all("three" in line and "stars" in line for line in said)


def test_grammar() -> None:
    assert article("orange star") == "an orange star"
    assert article("star") == "a star"
    assert [plural(word) for word in ("cross", "fish", "hourglass", "star")] == [
        "crosses", "fish", "hourglasses", "stars",
    ]  # fmt: skip


def test_class_sentences_name_each_value_once_with_one_template() -> None:
    for name, values in VALUES.items():
        lines = class_sentences(name, random.Random(0))
        assert len(set(lines)) == len(values)
        assert all(template.count("{}") == 1 for template in TEMPLATES[name])


def test_no_sentence_uses_a_word_outside_all_words() -> None:
    known = set(all_words())
    chooser = random.Random(0)
    lines = captions(draw_scenes(1500, torch.Generator().manual_seed(0)).labels, chooser)
    for name in VALUES:
        for _ in range(60):
            lines += class_sentences(name, chooser)
    used = {word for line in lines for word in line.replace(".", " ").replace('"', " ").split()}
    assert used <= known
