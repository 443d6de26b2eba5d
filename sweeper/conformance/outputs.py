"""What a file says of itself, and what its module gives for images."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch

from sweeper.backbones.backbone import Backbone
from sweeper.conformance.stand import batch, build, logits_of, require, variants
from sweeper.errors import InputError, Problem
from sweeper.method import Plugin, place_in

SECTIONS = ("Paper:", "Equation:", "Shapes:", "Trainable:", "Deviations:")


def docstring_has_its_sections(plugin: Plugin, _: Backbone) -> None:
    """Summary, paper, equation, shapes, count and deviations."""
    text = sys.modules[plugin.module.__module__].__doc__ or ""
    missing = [section for section in SECTIONS if section not in text]
    require(not missing, plugin, f"its docstring lacks {', '.join(missing)}", "every section")


def parameters_say_where_they_come_from(plugin: Plugin, _: Backbone) -> None:
    """Each parameter has a description with its source."""
    bare = [name for name, field in plugin.params.model_fields.items() if not field.description]
    require(not bare, plugin, f"no description: {', '.join(bare)}", "the source of each default")


def refusals_are_reasons(plugin: Plugin, backbone: Backbone) -> None:
    """`skip` gives None or a reason; without a required way in, it gives a reason."""
    for label, params in variants(plugin):
        reason = plugin.skip(params, backbone.info)
        fine = reason is None or (isinstance(reason, str) and reason != "")
        require(fine, plugin, f"{label}: skip gives {reason!r}", "None or a reason")
    bare = replace(backbone.info, ways=frozenset())
    if plugin.requires:
        require(bool(plugin.skip(plugin.params(), bare)), plugin, "no refusal", "a reason")
    if "input_tokens" in plugin.requires:
        full = plugin.skip(plugin.params(), replace(backbone.info, max_prompts=0))
        got = "skip gives no reason where the backbone takes no prompts"
        require(bool(full), plugin, got, "a comparison with backbone.max_prompts")


def bounds_are_refused_or_run(plugin: Plugin, backbone: Backbone) -> None:
    """At both ends of the bounds of each parameter `skip` gives a reason, or an image passes."""
    images, _ = batch(backbone, images=1)
    for name, schema in plugin.params.model_json_schema().get("properties", {}).items():
        for value in (schema[end] for end in ("minimum", "maximum") if end in schema):
            params = plugin.params(**{name: value})
            if plugin.skip(params, backbone.info):
                continue
            try:
                with torch.no_grad():
                    build(plugin, backbone, params).eval()(images)
            except Exception as error:
                got = f"{name}={value} is within its bounds and raises {type(error).__name__}"
                problem = Problem(
                    f"method file {place_in(error, plugin.source)}",
                    f"{got}: {error}",
                    "a reason from skip(), or narrower bounds",
                )
                raise InputError(problem) from error


def logits_are_finite_and_shaped(plugin: Plugin, backbone: Backbone) -> None:
    """[B, K] floats, for every value of the search space, with images left as they were."""
    images, _ = batch(backbone)
    for label, params in variants(plugin):
        if plugin.skip(params, backbone.info):
            continue
        logits = logits_of(build(plugin, backbone, params), plugin, images, label)
        finite = logits.is_floating_point() and bool(logits.isfinite().all())
        require(finite, plugin, f"{label}: logits are not finite floats", "finite floats")


def half_precision_works(plugin: Plugin, backbone: Backbone) -> None:
    """The forward pass runs under bfloat16 autocast."""
    images, _ = batch(backbone)
    with torch.autocast(images.device.type, torch.bfloat16), torch.no_grad():
        logits = logits_of(build(plugin, backbone), plugin, images)
    require(bool(logits.isfinite().all()), plugin, "bf16 logits are not finite", "finite logits")


def evaluation_is_per_image(plugin: Plugin, backbone: Backbone) -> None:
    """In `eval` mode the logits of an image do not depend on the others of its batch."""
    images, _ = batch(backbone)
    module = build(plugin, backbone).eval()
    with torch.no_grad():
        together = logits_of(module, plugin, images)[:1]
        alone = logits_of(module, plugin, images[:1])
    close = torch.allclose(together, alone, atol=1e-3, rtol=1e-3)
    require(close, plugin, "logits of an image depend on its batch", "eval mode per image")
