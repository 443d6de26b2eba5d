"""What every method file must keep, checked on a real backbone.

Each check is a function `check(plugin, backbone)` that raises `InputError` with the broken
promise. `CHECKS` holds them by the promise, and `keeps` runs one; a method that keeps all can be
swept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import Backbone
from sweeper.errors import InputError, Problem
from sweeper.method import (
    Constructs,
    Examples,
    FrozenFeatures,
    MethodParams,
    Plugin,
    TrainsInRounds,
    place_in,
)
from sweeper.method_file import ends
from sweeper.seeds import generator

CLASSES = ("red square", "green_circle", "Blue Star", "stripes", "dots")
TEMPLATE = "a photo of a {}"
SECTIONS = ("Paper:", "Equation:", "Shapes:", "Trainable:", "Deviations:")
STEPS = 12  # of AdamW on one small batch, enough for any loss to fall


def _require(condition: bool, plugin: Plugin, got: str, expected: str) -> None:
    if not condition:
        raise InputError(Problem(f"method file {plugin.source}", got, expected))


def _build(
    plugin: Plugin, backbone: Backbone, params: MethodParams | None = None, seed: int = 0
) -> nn.Module:
    """The module, constructed from the images of `_batch` where it constructs."""
    module = plugin.module(
        backbone=backbone,
        classes=CLASSES,
        template=TEMPLATE,
        params=params or plugin.params(),
        seed=seed,
    )
    if isinstance(module, Constructs):
        with torch.no_grad():
            module.eval().construct(_examples(backbone), {})
        module.train()
    return module


def _examples(backbone: Backbone) -> Examples:
    images, labels = _batch(backbone)
    return Examples(read=lambda index: images[index], labels=labels)


def _text(backbone: Backbone) -> Tensor:
    """The text classifier; empty for a backbone that has none."""
    if "text" not in backbone.info.ways:
        return torch.empty(0)
    return backbone.classifier(CLASSES, TEMPLATE)


def _logits(module: nn.Module, plugin: Plugin, images: Tensor, label: str = "defaults") -> Tensor:
    """Logits [B, K] of `images`, which stay as they are."""
    before = images.clone()
    logits: Tensor = module(images)
    kept = torch.equal(images, before)
    _require(kept, plugin, f"{label}: forward changed its images", "untouched images")
    shape, wanted = tuple(logits.shape), (len(images), len(CLASSES))
    _require(shape == wanted, plugin, f"{label}: logits are {shape}", f"{wanted}, [B, K]")
    return logits


def _batch(backbone: Backbone, images: int = 10) -> tuple[Tensor, Tensor]:
    """Images [B, 3, H, W] that differ by class in colour and noise, and labels [B]."""
    size = backbone.info.preprocessing.size
    draw = generator(0, "conformance", "images")
    labels = torch.arange(images) % len(CLASSES)
    colours = torch.randn(len(CLASSES), 3, 1, 1, generator=draw)
    return colours[labels] + torch.randn(images, 3, size, size, generator=draw), labels


def _copy(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def _train(module: nn.Module, backbone: Backbone, steps: int = STEPS) -> tuple[float, float]:
    """Train on one batch; the loss (nats) before the first and after the last step."""
    images, labels = _batch(backbone)
    trainable = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=0.01, weight_decay=0)
    module.train()
    losses = []
    for _ in range(steps + 1):
        loss = F.cross_entropy(module(images).float(), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return losses[0], losses[-1]


def docstring_has_its_sections(plugin: Plugin, _: Backbone) -> None:
    """Summary, paper, equation, shapes, count and deviations."""
    text = sys.modules[plugin.module.__module__].__doc__ or ""
    missing = [section for section in SECTIONS if section not in text]
    _require(not missing, plugin, f"its docstring lacks {', '.join(missing)}", "every section")


def parameters_say_where_they_come_from(plugin: Plugin, _: Backbone) -> None:
    """Each parameter has a description with its source."""
    bare = [name for name, field in plugin.params.model_fields.items() if not field.description]
    _require(not bare, plugin, f"no description: {', '.join(bare)}", "the source of each default")


def logits_are_finite_and_shaped(plugin: Plugin, backbone: Backbone) -> None:
    """[B, K] floats, for every value of the search space, with images left as they were."""
    images, _ = _batch(backbone)
    for label, params in _variants(plugin):
        if plugin.skip(params, backbone.info):
            continue
        logits = _logits(_build(plugin, backbone, params), plugin, images, label)
        finite = logits.is_floating_point() and bool(logits.isfinite().all())
        _require(finite, plugin, f"{label}: logits are not finite floats", "finite floats")


def bounds_are_refused_or_run(plugin: Plugin, backbone: Backbone) -> None:
    """At both ends of the bounds of each parameter `skip` gives a reason, or an image passes."""
    images, _ = _batch(backbone, images=1)
    for name, schema in plugin.params.model_json_schema().get("properties", {}).items():
        for value in (schema[end] for end in ("minimum", "maximum") if end in schema):
            params = plugin.params(**{name: value})
            if plugin.skip(params, backbone.info):
                continue
            try:
                with torch.no_grad():
                    _build(plugin, backbone, params).eval()(images)
            except Exception as error:
                got = f"{name}={value} is within its bounds and raises {type(error).__name__}"
                problem = Problem(
                    f"method file {place_in(error, plugin.source)}",
                    f"{got}: {error}",
                    "a reason from skip(), or narrower bounds",
                )
                raise InputError(problem) from error


def _variants(plugin: Plugin) -> Iterator[tuple[str, MethodParams]]:
    """The defaults, and each end or choice of the search space with the rest at its default."""
    yield "defaults", plugin.params()
    for name, space in plugin.space.items():
        for value in ends(space):
            yield f"{name}={value}", plugin.params(**{name: value})


def refusals_are_reasons(plugin: Plugin, backbone: Backbone) -> None:
    """`skip` gives None or a reason; without a required way in, it gives a reason."""
    for label, params in _variants(plugin):
        reason = plugin.skip(params, backbone.info)
        fine = reason is None or (isinstance(reason, str) and reason != "")
        _require(fine, plugin, f"{label}: skip gives {reason!r}", "None or a reason")
    bare = replace(backbone.info, ways=frozenset())
    if plugin.requires:
        _require(bool(plugin.skip(plugin.params(), bare)), plugin, "no refusal", "a reason")
    if "input_tokens" in plugin.requires:
        full = plugin.skip(plugin.params(), replace(backbone.info, max_prompts=0))
        got = "skip gives no reason where the backbone takes no prompts"
        _require(bool(full), plugin, got, "a comparison with backbone.max_prompts")


def half_precision_works(plugin: Plugin, backbone: Backbone) -> None:
    """The forward pass runs under bfloat16 autocast."""
    images, _ = _batch(backbone)
    with torch.autocast(images.device.type, torch.bfloat16), torch.no_grad():
        logits = _logits(_build(plugin, backbone), plugin, images)
    _require(bool(logits.isfinite().all()), plugin, "bf16 logits are not finite", "finite logits")


def evaluation_is_per_image(plugin: Plugin, backbone: Backbone) -> None:
    """In `eval` mode the logits of an image do not depend on the others of its batch."""
    images, _ = _batch(backbone)
    module = _build(plugin, backbone).eval()
    with torch.no_grad():
        together = _logits(module, plugin, images)[:1]
        alone = _logits(module, plugin, images[:1])
    close = torch.allclose(together, alone, atol=1e-3, rtol=1e-3)
    _require(close, plugin, "logits of an image depend on its batch", "eval mode per image")


def backbone_stays_as_it_is(plugin: Plugin, backbone: Backbone) -> None:
    """Training leaves weights, buffers and the text classifier bit for bit, without gradients."""
    before = _copy(backbone.tensors())
    text = _text(backbone).clone()
    module = _build(plugin, backbone)
    owned = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}
    taken = [name for name, tensor in backbone.tensors().items() if id(tensor) in owned]
    _require(not taken, plugin, f"the module owns {taken[:3]} of the backbone", "its own tensors")
    if plugin.trains:
        _train(module, backbone, steps=2)
    grads = [name for name, t in backbone.tensors().items() if t.grad is not None]
    _require(not grads, plugin, f"{grads[:3]} of the backbone got gradients", "no gradients")
    _require(_same(before, backbone.tensors()), plugin, "it changed the backbone", "a frozen one")
    same = torch.equal(text, _text(backbone))
    _require(same, plugin, "it changed the text classifier", "a frozen one")


def trains_what_it_says(plugin: Plugin, backbone: Backbone) -> None:
    """Trainable parameters exist, each gets a gradient, and the loss falls; or TRAINS is False."""
    module = _build(plugin, backbone)
    _logits(module, plugin, _batch(backbone)[0])
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not plugin.trains:
        _require(not trainable, plugin, f"TRAINS is False, but {list(trainable)}", "nothing")
        return
    _require(bool(trainable), plugin, "nothing is trainable", "parameters, or TRAINS = False")
    first, last = _train(module, backbone)
    idle = [name for name, p in trainable.items() if p.grad is None]
    _require(not idle, plugin, f"{', '.join(idle)} got no gradient", "only parameters in use")
    _require(last < first, plugin, f"loss went from {first:.4f} to {last:.4f}", "a falling loss")


def seeds_decide_everything(plugin: Plugin, backbone: Backbone) -> None:
    """One seed, one start, whatever was drawn or built before; and the global stream is left."""
    if not plugin.trains:
        return
    start = _copy(_build(plugin, backbone, seed=3).state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12345)
        _build(plugin, backbone, seed=4)
        state = torch.random.get_rng_state()
        again = _copy(_build(plugin, backbone, seed=3).state_dict())
        kept = torch.equal(state, torch.random.get_rng_state())
    expected = "randomness from generator(seed, name) or keyed(seed, name)"
    _require(_same(start, again), plugin, "the start depends on what was drawn before", expected)
    _require(kept, plugin, "building draws from torch's global stream", expected)
    other = _copy(_build(plugin, backbone, seed=4).state_dict())
    _require(not _same(start, other), plugin, "two seeds give the same start", expected)


def state_travels(plugin: Plugin, backbone: Backbone) -> None:
    """A trained state, loaded strictly into a module of another seed, gives the same logits.

    It leaves out what the backbone knows: text features are computed again, never saved.
    """
    images, _ = _batch(backbone)
    text = _text(backbone)
    module, other = _build(plugin, backbone, seed=0), _build(plugin, backbone, seed=1)
    if plugin.trains:
        _train(module, backbone, steps=2)
    known = [name for name, tensor in module.state_dict().items() if torch.equal(tensor, text)]
    _require(not known, plugin, f"it saves the classifier as {known}", "persistent=False")
    other.load_state_dict(_copy(module.state_dict()), strict=True)
    with torch.no_grad():
        equal = torch.equal(module.eval()(images), other.eval()(images))
    _require(equal, plugin, "its state_dict does not carry all that training made", "all of it")


def features_are_frozen(plugin: Plugin, backbone: Backbone) -> None:
    """Where `features` and `classify` exist, they make up `forward`, and the first is frozen."""
    images, _ = _batch(backbone)
    module = _build(plugin, backbone).eval()
    if not isinstance(module, FrozenFeatures):
        return
    features: Any = module.features(images)
    _require(not features.requires_grad, plugin, "features() has a gradient", "frozen features")
    same = torch.equal(module.classify(features), module(images))
    _require(same, plugin, "classify(features(x)) differs from forward(x)", "the same logits")


def rounds_begin_anew(plugin: Plugin, backbone: Backbone) -> None:
    """Where there are rounds, the next one starts the same whenever it is begun, and trains."""
    module, other = _build(plugin, backbone), _build(plugin, backbone)
    if not isinstance(module, TrainsInRounds) or module.rounds == 1:
        return
    _train(module, backbone, steps=2)
    other.load_state_dict(_copy(module.state_dict()), strict=True)
    for each in (module, other):
        each.eval().next_round(_examples(backbone))  # type: ignore[operator]
    same = _same(_copy(module.state_dict()), _copy(other.state_dict()))
    _require(same, plugin, "next_round depends on more than the state", "the same next round")
    first, last = _train(module, backbone)
    _require(last < first, plugin, f"loss went from {first:.4f} to {last:.4f}", "a falling loss")


CHECKS: dict[str, Callable[[Plugin, Backbone], None]] = {
    check.__name__: check
    for check in (
        docstring_has_its_sections,
        parameters_say_where_they_come_from,
        logits_are_finite_and_shaped,
        bounds_are_refused_or_run,
        refusals_are_reasons,
        half_precision_works,
        evaluation_is_per_image,
        backbone_stays_as_it_is,
        trains_what_it_says,
        seeds_decide_everything,
        state_travels,
        features_are_frozen,
        rounds_begin_anew,
    )
}


def keeps(promise: str, plugin: Plugin, backbone: Backbone) -> None:
    """Run the check of one promise. Raises InputError where it is broken, or the file raises."""
    try:
        CHECKS[promise](plugin, backbone)
    except InputError:
        raise
    except Exception as error:  # the author's code, told as the author's mistake
        place = f"method file {place_in(error, plugin.source)}"
        got = f"{promise.replace('_', ' ')}: {type(error).__name__}: {error}"
        raise InputError(
            Problem(place, got, "no exception", "sweeper/method.py says what there is to use.")
        ) from error
