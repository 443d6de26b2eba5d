"""The model card of an export: README.md, made of its description alone."""

from __future__ import annotations

from sweeper.exported.description import METHOD_FILE, Description
from sweeper.records import Score
from sweeper.spec.sources import kind_of, parted

EXAMPLE = """\
import torch
from sweeper.exported import describe, load, read_images

folder = "{folder}"
model, info = load(folder{argument}), describe(folder)
images = read_images(["one.jpg", "two.jpg"], info.preprocessing)  # [B, 3, S, S]
with torch.inference_mode():
    best = model(images).argmax(dim=1)
print([info.classes[k] for k in best])
"""


def card(found: Description, *, folder: str, own_file: bool) -> str:
    """Markdown; `folder` is the export's name in the example, `own_file` whether it has a file."""
    parts = [
        f"# {found.method} on {found.task}, {found.backbone}",
        _what(found),
        *(f"> {note}" for note in found.notes),
        "## Use\n\n" + _use(found, folder, own_file),
        "## Training\n\n" + _training(found),
        "## Scores\n\n" + _scores(found),
        "## Intended use and limits\n\n" + _limits(found),
        "## Data\n\n" + _data(found),
        "## Licence\n\n" + _licence(found),
    ]
    if found.method_text:
        parts.append(f"## The method in its own words\n\n```text\n{found.method_text}\n```")
    return "\n\n".join(parts) + "\n"


def _what(found: Description) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in found.params.items()) or "none"
    return (
        f"An image classifier for {len(found.classes)} classes: the frozen backbone "
        f"`{found.backbone}` (weights `{found.weights}`), adapted by the method `{found.method}` "
        f"with {found.trainable_parameters:,} trained parameters. This folder holds what was "
        f"trained, not the backbone. It comes from {found.origin}.\n\n"
        f"Settings of the method: {settings}."
    )


def _use(found: Description, folder: str, own_file: bool) -> str:
    argument = f', method="./{METHOD_FILE}"' if own_file else ""
    if kind_of(found.weights) == "weights":
        argument += f', backbone_path="{parted(found.backbone)[0]}"'
    text = "```python\n" + EXAMPLE.format(folder=folder, argument=argument) + "```"
    if own_file:
        text = f"The method is a user's own file. Read `{METHOD_FILE}` first: it is run.\n\n{text}"
    return text


def _training(found: Description) -> str:
    if found.recipe is None or found.protocol is None:
        return "How it was trained is not recorded in the file that it was made of."
    lines = {**found.recipe.model_dump(), **found.protocol.model_dump(), "seed": found.seed}
    lines |= {
        name: text
        for name, text in found.provenance.items()
        if name in ("commit", "dirty", "device", "workers") or name.startswith("version.")
    }
    rows = [f"| {name} | {value} |" for name, value in lines.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _scores(found: Description) -> str:
    if found.val is None and found.test is None:
        return "None is recorded."
    rows = ["| split | top-1 | cross-entropy (nats) | images |", "|---|---|---|---|"]
    rows += [_row(name, x) for name, x in (("val", found.val), ("test", found.test)) if x]
    seed = f"These are the scores of one seed ({found.seed}); they say nothing of its spread."
    return "\n".join([*rows, "", seed])


def _row(split: str, score: Score) -> str:
    return f"| {split} | {100 * score.acc:.2f} % | {score.loss:.4f} | {score.n} |"


def _limits(found: Description) -> str:
    seen = found.preprocessing
    text = (
        "For research on prompt learning. It tells the classes below apart and gives one of them "
        f"for any image, also for one of none. Images are brought to {seen.size} x {seen.size} "
        f"pixels ({seen.interpolation}, {seen.resize}) and normalised with mean "
        f"{list(seen.mean)} and std {list(seen.std)}; `read_images` does that. What the backbone "
        "has learned of the world, biases included, is in every answer."
    )
    if found.protocol is not None and found.protocol.precision != "fp32":
        text += (
            f" Scores were measured under autocast to {found.protocol.precision}; the loaded "
            "model computes in float32 unless it is called under autocast."
        )
    return text


def _data(found: Description) -> str:
    classes = ", ".join(found.classes)
    lines = [f"Task `{found.task}`, data `{found.data}`, text template `{found.template}`."]
    digests = [f"{key} `{found.provenance[key]}`" for key in _DIGESTS if key in found.provenance]
    if digests:
        lines.append(f"Pixels and labels: {', '.join(digests)}.")
    return "\n\n".join([*lines, f"Classes: {classes}."])


_DIGESTS = ("train_digest", "val_digest", "test_digest")


def _licence(found: Description) -> str:
    own, rest = "The code of sweeper is under Apache-2.0", "the backbone and of "
    if found.backbone.startswith("embedded"):
        own, rest = f"{own}, and so is its embedded backbone", ""
    return (
        f"{own}. The licences of {rest}"
        "the training images are not recorded here; ask those who published them."
    )
