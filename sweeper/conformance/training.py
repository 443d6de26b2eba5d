"""What training may change, what it must, and what decides its outcome."""

from __future__ import annotations

from typing import Any

import torch

from sweeper.backbones.backbone import Backbone
from sweeper.conformance.stand import (
    above_least,
    batch,
    build,
    copied,
    examples,
    logits_of,
    require,
    same,
    text_of,
    train,
    variants,
)
from sweeper.method import EntersLate, FrozenFeatures, Plugin, TrainsInRounds


def backbone_stays_as_it_is(plugin: Plugin, backbone: Backbone) -> None:
    """Training leaves weights, buffers and the text classifier bit for bit, without gradients."""
    before = copied(backbone.tensors())
    text = text_of(backbone).clone()
    module = build(plugin, backbone)
    owned = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}
    taken = [name for name, tensor in backbone.tensors().items() if id(tensor) in owned]
    require(not taken, plugin, f"the module owns {taken[:3]} of the backbone", "its own tensors")
    if plugin.trains:
        train(module, backbone, steps=2)
    grads = [name for name, t in backbone.tensors().items() if t.grad is not None]
    require(not grads, plugin, f"{grads[:3]} of the backbone got gradients", "no gradients")
    require(same(before, backbone.tensors()), plugin, "it changed the backbone", "a frozen one")
    kept = torch.equal(text, text_of(backbone))
    require(kept, plugin, "it changed the text classifier", "a frozen one")


def trains_what_it_says(plugin: Plugin, backbone: Backbone) -> None:
    """Trainable parameters exist, each gets a gradient, and the loss falls; or TRAINS is False."""
    module = build(plugin, backbone)
    logits_of(module, plugin, batch(backbone)[0])
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not plugin.trains:
        require(not trainable, plugin, f"TRAINS is False, but {list(trainable)}", "nothing")
        return
    require(bool(trainable), plugin, "nothing is trainable", "parameters, or TRAINS = False")
    first, last = train(module, backbone)
    idle = [name for name, p in trainable.items() if p.grad is None]
    require(not idle, plugin, f"{', '.join(idle)} got no gradient", "only parameters in use")
    require(last < first, plugin, f"loss went from {first:.4f} to {last:.4f}", "a falling loss")


def seeds_decide_everything(plugin: Plugin, backbone: Backbone) -> None:
    """One seed, one start, whatever was drawn or built before; and the global stream is left."""
    if not plugin.trains:
        return
    start = copied(build(plugin, backbone, seed=3).state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12345)
        build(plugin, backbone, seed=4)
        state = torch.random.get_rng_state()
        again = copied(build(plugin, backbone, seed=3).state_dict())
        kept = torch.equal(state, torch.random.get_rng_state())
    expected = "randomness from generator(seed, name) or keyed(seed, name)"
    require(same(start, again), plugin, "the start depends on what was drawn before", expected)
    require(kept, plugin, "building draws from torch's global stream", expected)
    other = copied(build(plugin, backbone, seed=4).state_dict())
    require(not same(start, other), plugin, "two seeds give the same start", expected)


def state_travels(plugin: Plugin, backbone: Backbone) -> None:
    """A trained state, loaded strictly into a module of another seed, gives the same logits.

    It leaves out what the backbone knows: text features are computed again, never saved.
    """
    images, _ = batch(backbone)
    text = text_of(backbone)
    module, other = build(plugin, backbone, seed=0), build(plugin, backbone, seed=1)
    if plugin.trains:
        train(module, backbone, steps=2)
    known = [name for name, tensor in module.state_dict().items() if torch.equal(tensor, text)]
    require(not known, plugin, f"it saves the classifier as {known}", "persistent=False")
    other.load_state_dict(copied(module.state_dict()), strict=True)
    with torch.no_grad():
        equal = torch.equal(module.eval()(images), other.eval()(images))
    require(equal, plugin, "its state_dict does not carry all that training made", "all of it")


def features_are_frozen(plugin: Plugin, backbone: Backbone) -> None:
    """Where `features` and `classify` exist, they make up `forward`, and the first is frozen."""
    images, _ = batch(backbone)
    module = build(plugin, backbone).eval()
    if not isinstance(module, FrozenFeatures):
        return
    features: Any = module.features(images)
    require(not features.requires_grad, plugin, "features() has a gradient", "frozen features")
    equal = torch.equal(module.classify(features), module(images))
    require(equal, plugin, "classify(features(x)) differs from forward(x)", "the same logits")


def tower_features_are_the_towers(plugin: Plugin, backbone: Backbone) -> None:
    """With FEATURES = "tower", `features` is `encode_image` for every value of the search space."""
    if plugin.features != "tower":
        return
    images, _ = batch(backbone)
    expected = backbone.encode_image(images)
    for label, params in variants(plugin):
        if plugin.skip(params, backbone.info):
            continue
        for mode in (True, False):
            module: Any = build(plugin, backbone, params).train(mode)
            equal = torch.equal(module.features(images), expected)
            got = f"{label}: FEATURES is 'tower', but features() are others"
            require(equal, plugin, got, "backbone.encode_image(images)")


def what_enters_late_is_enough(plugin: Plugin, backbone: Backbone) -> None:
    """Where `reads_block` is not 0, `forward` is `classify` of what enters that block."""
    if not isinstance(build(plugin, backbone), EntersLate):
        return
    images, _ = batch(backbone)
    for label, params in (*variants(plugin), *above_least(plugin)):
        if plugin.skip(params, backbone.info):
            continue
        module: Any = build(plugin, backbone, params).eval()
        block = module.reads_block
        with torch.no_grad():
            equal = not block or torch.equal(
                module.classify(backbone.enter(images, block)), module(images)
            )
        got = f"{label}: classify() of what enters block {block} differs from forward(x)"
        require(equal, plugin, got, "the same logits")


def rounds_begin_anew(plugin: Plugin, backbone: Backbone) -> None:
    """Where there are rounds, the next one starts the same whenever it is begun, and trains."""
    module, other = build(plugin, backbone), build(plugin, backbone)
    if not isinstance(module, TrainsInRounds) or module.rounds == 1:
        return
    train(module, backbone, steps=2)
    other.load_state_dict(copied(module.state_dict()), strict=True)
    for each in (module, other):
        each.eval().next_round(examples(backbone))  # type: ignore[operator]
    equal = same(copied(module.state_dict()), copied(other.state_dict()))
    require(equal, plugin, "next_round depends on more than the state", "the same next round")
    first, last = train(module, backbone)
    require(last < first, plugin, f"loss went from {first:.4f} to {last:.4f}", "a falling loss")
