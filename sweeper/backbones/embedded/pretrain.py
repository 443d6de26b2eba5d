"""Pre-train the embedded backbone: ``python -m sweeper.backbones.embedded.pretrain --out DIR``.

Each step draws fresh images. Two losses share one temperature: every image against the sentences
of all values of each of its attributes, and CLIP's symmetric loss between images and captions,
where equal captions count as equally right.
"""

import argparse
import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn import functional

from sweeper import seeds
from sweeper.backbones.embedded.tower import build_model, encode_image, encode_text, load_config
from sweeper.backbones.embedded.vocabulary import Vocabulary
from sweeper.drawing.caption import VALUES, all_words, captions, class_sentences
from sweeper.drawing.scene import Drawing, draw_scenes

HOTTEST = math.log(100)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Budget in minutes of wall clock; batch sizes in images per worker."""

    minutes: float = 33.0
    workers: int = 2
    batch: int = 96
    captioned: int = 48
    matrix_rate: float = 1e-2
    rate: float = 5e-3
    decay: float = 0.05
    warm_up: int = 150
    reuse: int = 3
    caption_weight: float = 0.5
    single: float = 0.38  # share of scenes with one figure
    begin: str = ""  # weights to start from; empty: from scratch
    seed: int = 0


class Learner(nn.Module):
    """The model with its compact word table, and the loss of one batch."""

    def __init__(self, model: CLIP, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.model = model
        self.vocabulary = vocabulary
        words = model.token_embedding.weight.detach()
        self.table = nn.Parameter(words[torch.tensor(vocabulary.ids)])

    def text(self, sentences: list[str]) -> Tensor:
        """Unit features ``[n, embed_dim]``."""
        rows, end = self.vocabulary(sentences)
        return functional.normalize(encode_text(self.model, self.table, rows, end), dim=-1)

    def image(self, images: Tensor) -> Tensor:
        """Unit features ``[n, embed_dim]`` of uint8 images."""
        pixels = (images.float() / 255 - 0.5) / 0.25
        return functional.normalize(encode_image(self.model, pixels), dim=-1)

    def class_losses(self, features: Tensor, drawing: Drawing, chooser: random.Random) -> Tensor:
        """One cross-entropy for each attribute, ``[attributes]``, averaged over its images."""
        sentences = {name: class_sentences(name, chooser) for name in VALUES}
        texts = self.text([line for lines in sentences.values() for line in lines])
        logits = self.model.logit_scale.exp() * features @ texts.T
        losses, first = [], 0
        for name, lines in sentences.items():
            part = logits[:, first : first + len(lines)]
            first += len(lines)
            label = drawing.labels[name]
            known = label >= 0
            # Between equal weight for attributes and equal weight for images: rare attributes
            # are heard without drowning in their own noise.
            weight = known.float().mean().sqrt()
            losses.append(weight * functional.cross_entropy(part[known], label[known]))
        return torch.stack(losses)

    def caption_loss(self, features: Tensor, drawing: Drawing, chooser: random.Random) -> Tensor:
        """CLIP's loss; images with the same caption share the target."""
        n = len(features)
        lines = captions({name: label[:n] for name, label in drawing.labels.items()}, chooser)
        index = {line: place for place, line in enumerate(dict.fromkeys(lines))}
        which = torch.tensor([index[line] for line in lines])
        logits = self.model.logit_scale.exp() * features @ self.text(list(index)).T
        owners = functional.one_hot(which, len(index)).float().T
        to_text = functional.cross_entropy(logits, which)
        to_image = functional.cross_entropy(logits.T, owners / owners.sum(1, keepdim=True))
        return (to_text + to_image) / 2

    def finished(self) -> CLIP:
        """The model with the trained words written into its full table."""
        with torch.no_grad():
            self.vocabulary.spread(self.table, self.model.token_embedding.weight)
        return self.model


def save_weights(model: CLIP, path: Path) -> None:
    """Write all parameters as float16."""
    weights = {name: value.to(torch.float16) for name, value in model.state_dict().items()}
    save_file(weights, path)


def load_weights(model: CLIP, path: Path) -> None:
    """Read the parameters that ``save_weights`` wrote; a missing or foreign name is an error."""
    model.load_state_dict({name: value.float() for name, value in load_file(path).items()})


def _optimizers(learner: Learner, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the towers' blocks, AdamW for everything else."""
    inside: list[nn.Parameter] = []
    outside: list[nn.Parameter] = []
    for name, parameter in learner.named_parameters():
        if name != "model.token_embedding.weight":
            matrix = parameter.ndim == 2 and "resblocks" in name
            (inside if matrix else outside).append(parameter)
    return [
        torch.optim.Muon(
            inside, lr=recipe.matrix_rate, weight_decay=recipe.decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(outside, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def _drawings(recipe: Recipe, rank: int) -> Iterator[Drawing]:
    """Endless batches; each drawing is shown about ``reuse`` times, well apart."""
    generator = seeds.generator(recipe.seed, "drawings", rank)
    chooser = random.Random(seeds.derive(recipe.seed, "reuse", rank))
    kept: list[Drawing] = []
    while True:
        fresh = draw_scenes(recipe.batch, generator, recipe.single)
        kept.append(fresh)
        if len(kept) > 200:
            kept.pop(chooser.randrange(len(kept) - 1))
        yield fresh
        for _ in range(recipe.reuse - 1):
            yield chooser.choice(kept)


def _average_gradients(parameters: list[nn.Parameter], workers: int) -> None:
    flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    distributed.all_reduce(flat)
    flat /= workers
    for parameter in parameters:
        if parameter.grad is not None:
            piece, flat = flat[: parameter.numel()], flat[parameter.numel() :]
            parameter.grad.copy_(piece.view_as(parameter))


def _progress(recipe: Recipe, start: float) -> float:
    """Share of the budget that is used up, the same number in every worker."""
    used = torch.tensor((time.monotonic() - start) / 60 / recipe.minutes)
    distributed.broadcast(used, 0)
    return float(used)


def _train(rank: int, recipe: Recipe, out: Path) -> None:
    """One worker: draw, learn, average gradients; worker 0 reports and saves."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{out.resolve()}/meeting", rank=rank, world_size=recipe.workers
    )
    torch.manual_seed(recipe.seed)
    model = build_model(load_config())
    if recipe.begin:
        load_weights(model, Path(recipe.begin))
    learner = Learner(model, Vocabulary(all_words()))
    chooser = random.Random(seeds.derive(recipe.seed, "sentences", rank))
    optimizers = _optimizers(learner, recipe)
    parameters = list(learner.parameters())
    start, step, reported, saved = time.monotonic(), 0, 0.0, 0.0
    for drawing in _drawings(recipe, rank):
        done = _progress(recipe, start)
        if done >= 1:
            break
        decline = min(1.0, (step + 1) / recipe.warm_up) * (1 + math.cos(math.pi * done)) / 2
        for optimizer, rate in zip(optimizers, (recipe.matrix_rate, recipe.rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * decline
        features = learner.image(drawing.images)
        by_class = learner.class_losses(features, drawing, chooser)
        by_caption = learner.caption_loss(features[: recipe.captioned], drawing, chooser)
        learner.zero_grad(set_to_none=True)
        torch.autograd.backward(by_class.sum() + recipe.caption_weight * by_caption)
        _average_gradients(parameters, recipe.workers)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        with torch.no_grad():
            learner.model.logit_scale.clamp_(max=HOTTEST)
        step += 1
        minutes = (time.monotonic() - start) / 60
        if rank == 0 and minutes - reported > 0.5:
            reported = minutes
            shown = step * recipe.batch * recipe.workers
            _report(learner, drawing, by_class, by_caption, minutes, shown)
        if rank == 0 and minutes - saved > 2:
            saved = minutes
            save_weights(learner.finished(), out / "weights.safetensors")
    if rank == 0:
        save_weights(learner.finished(), out / "weights.safetensors")
        shown = step * recipe.batch * recipe.workers
        _log.info("%d steps, %d pairs shown, about %d drawn", step, shown, shown // recipe.reuse)
    distributed.destroy_process_group()


def _report(
    learner: Learner,
    drawing: Drawing,
    by_class: Tensor,
    by_caption: Tensor,
    minutes: float,
    shown: int,
) -> None:
    shares = [(drawing.labels[name] >= 0).float().mean().sqrt().item() for name in VALUES]
    parts = " ".join(
        f"{name} {value / max(share, 1e-3):.2f}"
        for name, value, share in zip(VALUES, by_class.tolist(), shares, strict=True)
    )
    scale = learner.model.logit_scale.exp().item()
    _log.info(
        "%5.1f min, %d pairs, loss: caption %.2f %s, scale %.0f",
        minutes, shown, by_caption.item(), parts, scale,
    )  # fmt: skip


def pretrain(recipe: Recipe, out: Path) -> None:
    """Train for the recipe's minutes, saving ``weights.safetensors`` in ``out`` on the way."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "meeting").unlink(missing_ok=True)
    spawn(_train, args=(recipe, out), nprocs=recipe.workers)  # type: ignore[no-untyped-call]
    (out / "meeting").unlink(missing_ok=True)


def main() -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    for name, value in vars(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args())
    out = options.pop("out")
    pretrain(Recipe(**options), out)


if __name__ == "__main__":
    main()
