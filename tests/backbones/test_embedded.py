import random

import pytest
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file

from sweeper.backbones.embedded.pretrain import Learner, load_weights, save_weights
from sweeper.backbones.embedded.tower import (
    HERE,
    build_model,
    encode_image,
    encode_text,
    load_config,
)
from sweeper.backbones.embedded.vocabulary import Vocabulary
from sweeper.drawing.caption import VALUES, all_words, captions
from sweeper.drawing.scene import Drawing, draw_scenes
from sweeper.tasks.drawn import DRAWN

WEIGHTS = HERE / "weights.safetensors"


@pytest.fixture(scope="module")
def model() -> CLIP:
    built = build_model(load_config())
    load_weights(built, WEIGHTS)
    return built.eval()


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw_scenes(48, torch.Generator().manual_seed(0))


def test_weights_are_small_half_precision_and_complete() -> None:
    assert WEIGHTS.stat().st_size <= 8_000_000
    weights = load_file(WEIGHTS)
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert set(weights) == set(build_model(load_config()).state_dict())


def test_images_are_encoded_as_open_clip_does(model: CLIP, drawing: Drawing) -> None:
    pixels = (drawing.images.float() / 255 - 0.5) / 0.25
    with torch.no_grad():
        torch.testing.assert_close(
            encode_image(model, pixels), model.encode_image(pixels), rtol=1e-4, atol=1e-4
        )


def test_compact_words_encode_as_the_full_table_does(model: CLIP, drawing: Drawing) -> None:
    lines = captions(drawing.labels, random.Random(0))
    vocabulary = Vocabulary(all_words())
    rows, end = vocabulary(lines)
    table = model.token_embedding.weight[torch.tensor(vocabulary.ids)]
    tokenizer = SimpleTokenizer(context_length=load_config()["text_cfg"]["context_length"])
    with torch.no_grad():
        torch.testing.assert_close(
            encode_text(model, table, rows, end),
            model.encode_text(tokenizer(lines)),
            rtol=1e-4,
            atol=1e-4,
        )


def test_trained_words_reach_the_full_table_and_survive_saving(tmp_path) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    learner = Learner(build_model(load_config()), Vocabulary(all_words()))
    before = learner.model.token_embedding.weight.detach().clone()
    with torch.no_grad():
        learner.table += 1
    save_weights(learner.finished(), tmp_path / "weights.safetensors")
    read = build_model(load_config())
    load_weights(read, tmp_path / "weights.safetensors")
    change = (read.token_embedding.weight.detach() - before).mean(1)
    trained = torch.zeros(len(before), dtype=torch.bool)
    trained[torch.tensor(learner.vocabulary.ids)] = True
    torch.testing.assert_close(change[trained], torch.ones(int(trained.sum())), rtol=0, atol=1e-2)
    assert change[~trained].abs().max() < 1e-3


def test_losses_reach_every_parameter(drawing: Drawing) -> None:
    learner = Learner(build_model(load_config()), Vocabulary(all_words()))
    chooser = random.Random(0)
    features = learner.image(drawing.images)
    by_class = learner.class_losses(features, drawing, chooser)
    assert by_class.shape == (len(VALUES),)
    (by_class.sum() + learner.caption_loss(features, drawing, chooser)).backward()
    without = {name for name, p in learner.named_parameters() if p.grad is None}
    assert without == {"model.token_embedding.weight"}


def test_unseen_words_are_told_apart(model: CLIP) -> None:
    tokenizer = SimpleTokenizer(context_length=32)
    with torch.no_grad():
        words = model.encode_text(tokenizer(["a photo of a zebra", "a photo of a violin"]), True)
    assert (words[0] @ words[1]) < 0.9999


# Floors well below the numbers of CARD.md: they break when weights, renderer, words or
# preprocessing no longer belong together.
FLOORS = {"shapes": 0.7, "digits": 0.4, "positions": 0.3}


@pytest.mark.parametrize("name", FLOORS)
def test_zero_shot_is_about_what_the_card_says(model: CLIP, name: str) -> None:
    task = DRAWN[name]
    images, labels = task.draw()["val"]
    tokenizer = SimpleTokenizer(context_length=load_config()["text_cfg"]["context_length"])
    with torch.no_grad():
        words = tokenizer([task.template.format(line) for line in task.classes])
        texts = model.encode_text(words, normalize=True)
        logits = model.encode_image((images.float() / 255 - 0.5) / 0.25) @ texts.T
    assert (logits.argmax(1) == labels).float().mean() >= FLOORS[name]
