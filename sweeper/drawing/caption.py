"""What is said about a drawing: class sentences for one attribute, and full captions."""

import random
from collections.abc import Mapping

from torch import Tensor

from sweeper.drawing.colour import COLOURS
from sweeper.drawing.layout import DIRECTIONS, POSITIONS
from sweeper.drawing.shape import SEEN
from sweeper.drawing.texture import TEXTURES

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTER_NAMES = tuple("abcdefghijklmnopqrstuvwxyz")

# Attribute -> its values in the order of the labels.
VALUES: dict[str, tuple[str, ...]] = {
    "shape": SEEN,
    "colour": COLOURS,
    "texture": TEXTURES,
    "count": NUMBERS[1:9],
    "position": POSITIONS,
    "direction": DIRECTIONS,
    "digit": NUMBERS,
    "letter": LETTER_NAMES,
}

_NOUN = (
    "this is a photo of a {}", "a photo of a {}.", "a photo of a {}", "this is a photo of a {}.",
    "a picture of a {}", "a drawing of a {}", "this is a drawing of a {}", "an image of a {}",
    "a sketch of a {}", "a {}", "the {}", "{}",
)  # fmt: skip

# Attribute -> the sentences that name one of its values.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "shape": _NOUN,
    "colour": (
        "this is a photo of a {} object", "a photo of a {} object.", "a photo of a {} thing",
        "a {} thing", "something {}", "a picture of something {}",
        "this is a photo of something {}",
    ),
    "texture": (
        "this is a photo of a {} texture", "a photo of a {} texture.", "a {} texture",
        "a {} pattern", "this is a photo of a {} pattern", "a {} surface", "{} texture", "{}",
    ),
    "count": (
        "this is a photo of {} objects", "a photo of {} objects.", "a photo of {} objects",
        "{} objects", "there are {} objects", "a picture of {} things", "{} things",
        "this is a photo of {} things", "{} shapes",
    ),
    "position": (
        "this is a photo of an object in the {}", "a photo of an object in the {}.",
        "this is a photo of a thing in the {}", "something in the {}", "an object in the {}",
        "a shape in the {}", "a thing at the {}",
    ),
    "direction": (
        "this is a photo of an arrow pointing {}", "a photo of an arrow pointing {}.",
        "an arrow pointing {}", "something pointing {}", "this is a photo of an object pointing {}",
    ),
    "digit": (
        *_NOUN, "the digit {}", "the number {}", "a handwritten {}", "a photo of the digit {}",
        "this is a photo of the digit {}", "this is a photo of the number {}",
        'a photo of the number "{}".',
    ),
    "letter": (
        *_NOUN, "the letter {}", "a photo of the letter {}", "this is a photo of the letter {}",
    ),
}  # fmt: skip


# The words of captions beyond those of values and templates.
_CAPTION_WORDS = (
    "a an the of in on and this is photo picture drawing background texture pattern surface "
    "object objects thing things shape shapes digit number letter pointing large small"
)


def all_words() -> list[str]:
    """Every word that a class sentence or a caption can contain, and the punctuation."""
    nouns = [plural(kind) for kind in SEEN]
    texts = [name for names in VALUES.values() for name in names]
    texts += [template.replace("{}", " ") for lines in TEMPLATES.values() for template in lines]
    words = " ".join([_CAPTION_WORDS, *nouns, *texts, *map(str, range(10))]).lower()
    return sorted({*words.replace(".", " ").replace('"', " ").split(), ".", '"', '".'})


def class_sentences(attribute: str, chooser: random.Random) -> list[str]:
    """One sentence for each value of the attribute, all with the same random template."""
    template = chooser.choice(TEMPLATES[attribute])
    names: tuple[str, ...] = VALUES[attribute]
    if attribute in ("count", "digit") and chooser.random() < 0.25:
        names = tuple(str(NUMBERS.index(name)) for name in names)
    return [template.format(name) for name in names]


def article(phrase: str) -> str:
    """The phrase with "a" or "an" before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def plural(noun: str) -> str:
    """The noun for several of its kind."""
    if noun == "fish":
        return noun
    return noun + ("es" if noun.endswith(("s", "x")) else "s")


def caption(labels: Mapping[str, int], chooser: random.Random) -> str:
    """A sentence about one drawing, saying some or all of what is known of it."""
    said = {name: VALUES[name][labels[name]] for name in VALUES if labels[name] >= 0}
    start = chooser.choice(
        ("", "a photo of ", "this is a photo of ", "a picture of ", "a drawing of ")
    )
    colour = said.get("colour", "")
    ground = labels["ground"]
    hue = f"{colour} " if colour and chooser.random() < 0.7 else ""
    back = ""
    if ground >= 0 and "texture" not in said and chooser.random() < 0.4:
        back = f" on {article(COLOURS[ground])} background"
    if "texture" in said:
        pair = f"{COLOURS[ground]} and " if ground >= 0 and chooser.random() < 0.2 else ""
        noun = chooser.choice(("texture", "pattern", "surface"))
        return start + article(f"{pair}{hue}{said['texture']} {noun}")
    if "count" in said:
        noun = said.get("shape", chooser.choice(("object", "thing", "shape")))
        several = noun if said["count"] == "one" else plural(noun)
        return f"{start}{said['count']} {hue}{several}{back}"
    if "digit" in said:
        noun = chooser.choice(("", "digit ", "number "))
        phrase = f"{hue}{noun}{said['digit']}"
        return start + (f"the {phrase}" if noun and not hue else article(phrase)) + back
    if "letter" in said:
        phrase = f"{hue}letter {said['letter']}"
        return start + (article(phrase) if hue else f"the {phrase}") + back
    extent = chooser.choice(("large ", "") if labels["large"] > 0 else ("small ", ""))
    noun = said["shape"] if chooser.random() < 0.85 else "object"
    place = f" in the {said['position']}" if "position" in said else ""
    way = f" pointing {said['direction']}" if "direction" in said else ""
    return start + article(f"{extent}{hue}{noun}{way}{place}{back}")


def captions(labels: Mapping[str, Tensor], chooser: random.Random) -> list[str]:
    """One caption for each drawing of a batch."""
    columns = {name: values.tolist() for name, values in labels.items()}
    rows = zip(*columns.values(), strict=True)
    return [caption(dict(zip(columns, row, strict=True)), chooser) for row in rows]
