from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import CONFIG, small_clip
from tests.small_vit import small_vit

PGN: Any = discovery.find("pgn", Path())
CLASSES = ("red", "green", "blue")


@pytest.fixture(scope="module")
def wide() -> ClipBackbone:
    """Width 768, as the paper's ViT-B/32; one block, because only the width counts here."""
    vision = {"image_size": 32, "patch_size": 32, "width": 768, "layers": 1}
    return small_clip({**CONFIG, "vision_cfg": vision})


def build(backbone: Any, seed: int = 0, **params: Any) -> Any:
    settings = PGN.params(**params)
    return PGN.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=seed
    )


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def trunk_count(module: Any) -> int:
    own = module.model
    head = own.output_net[2] if hasattr(own, "output_net") else getattr(own, "fc", None)
    return count(own) - count(own[-1] if head is None else head)


# (settings, parameters, what the paper prints for it, whether the two agree)
COUNTS: list[tuple[dict[str, Any], int, float, bool]] = [
    ({"prompt_length": 16, "library_size": 256}, 1_032_304, 12.4e6 / 12, True),  # Table 5
    ({"prompt_length": 16, "library_size": 256, "stem": "conv7"}, 1_034_224, 12.4e6 / 12, True),
    ({"prompt_length": 8, "library_size": 256}, 768_112, 12.4e6 / 12, False),  # text of 4.4
    ({"prompt_length": 8, "library_size": 64}, 422_512, 0.3e6, False),  # Table 2
    ({"prompt_length": 8, "generation": "direct"}, 1_099_888, 3.2e6, False),  # Table 2
    ({"prompt_length": 16, "library_size": 128}, 669_808, math.nan, False),  # released for ViT
]


@pytest.mark.parametrize(("settings", "parameters", "printed", "agrees"), COUNTS)
def test_counts_at_width_768_are_those_of_the_public_weights(
    wide: ClipBackbone, settings: dict[str, Any], parameters: int, printed: float, agrees: bool
) -> None:
    assert count(build(wide, **settings)) == parameters
    assert (round(12 * parameters / 1e6, 1) == round(12 * printed / 1e6, 1)) == agrees


@pytest.mark.parametrize(
    ("settings", "trunk", "features"),
    [
        ({}, 307_312, 128),
        ({"stem": "conv7"}, 309_232, 128),
        ({"trunk": "resnet18"}, 11_176_512, 512),
        ({"trunk": "mlp"}, 38_528, 128),
    ],
)
def test_count_is_trunk_projection_and_library(
    backbone: ClipBackbone, settings: dict[str, Any], trunk: int, features: int
) -> None:
    p, n, d = 3, 5, backbone.info.width
    module = build(backbone, prompt_length=p, library_size=n, **settings)
    assert trunk_count(module) == trunk
    assert count(module) == trunk + (features + 1) * p * n + n * d
    deeper = build(backbone, prompt_length=p, library_size=n, projection="mlp", **settings)
    assert count(deeper) - count(module) == features * (features + 1)
    direct = build(backbone, prompt_length=p, generation="direct", **settings)
    assert count(direct) == trunk + (features + 1) * p * d


def test_state_has_the_names_and_shapes_of_the_public_weights(wide: ClipBackbone) -> None:
    norm = ("weight", "bias", "running_mean", "running_var")
    expected: dict[str, tuple[int, ...]] = {
        "tl_vectors": (256, 768),
        "model.input_net.0.weight": (16, 3, 3, 3),
        "model.output_net.2.weight": (4096, 128),
        "model.output_net.2.bias": (4096,),
    }
    norms = {"model.input_net.1": 16}
    for block, (into, out) in enumerate([(16, 16), (16, 32), (32, 64), (64, 128)]):
        name = f"model.blocks.{block}"
        expected[f"{name}.net.0.weight"] = (out, into, 3, 3)
        expected[f"{name}.net.3.weight"] = (out, out, 3, 3)
        norms |= {f"{name}.net.1": out, f"{name}.net.4": out}
        if block:
            expected |= {f"{name}.downsample.weight": (out, into, 1, 1)}
            expected |= {f"{name}.downsample.bias": (out,)}
    for name, width in norms.items():
        expected |= {f"{name}.{part}": (width,) for part in norm}
        expected[f"{name}.num_batches_tracked"] = ()
    state = build(wide, prompt_length=16, library_size=256).state_dict()
    assert len(expected) == 63
    assert {name: tuple(value.shape) for name, value in state.items()} == expected


def reference_trunk(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """ResNet10 in evaluation mode from its numbers alone, [B, 128]."""

    def norm(x: Tensor, name: str) -> Tensor:
        scale = state[f"{name}.weight"] / (state[f"{name}.running_var"] + 1e-5).sqrt()
        shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * scale
        return x * scale[:, None, None] + shift[:, None, None]

    x = F.conv2d(images, state["model.input_net.0.weight"], stride=2, padding=1)
    x = F.max_pool2d(norm(x, "model.input_net.1").relu(), 3, 2, 1)
    for block in range(4):
        name, stride = f"model.blocks.{block}", 2 if block else 1
        y = F.conv2d(x, state[f"{name}.net.0.weight"], stride=stride, padding=1)
        y = norm(y, f"{name}.net.1").relu()
        y = norm(F.conv2d(y, state[f"{name}.net.3.weight"], padding=1), f"{name}.net.4")
        if block:
            weight, bias = (state[f"{name}.downsample.{part}"] for part in ("weight", "bias"))
            x = F.conv2d(x, weight, bias, stride=2)
        x = (x + y).relu()
    return x.mean((2, 3))


@pytest.mark.parametrize("mixing", ["softmax", "sigmoid"])
def test_forward_equals_equation_4_written_out(backbone: ClipBackbone, mixing: str) -> None:
    p, n = 3, 5
    module = build(backbone, prompt_length=p, library_size=n, resolution=40, mixing=mixing)
    images = torch.randn(4, 3, 32, 32)
    module(images)  # in training mode, so that the running statistics are not those of the start
    module.eval()
    state = module.state_dict()
    small = F.interpolate(images, (40, 40), mode="bilinear", antialias=True)
    features = reference_trunk(state, small)
    expected = []
    for image, feature in zip(images, features, strict=True):
        scores = state["model.output_net.2.weight"] @ feature + state["model.output_net.2.bias"]
        prompts = []
        for k in range(p):
            row = [scores[k * n + i] for i in range(n)]
            top = [math.exp(s) for s in row]
            total = sum(top)
            if mixing == "softmax":
                weights = [t / total for t in top]
            else:
                weights = [1 / (1 + math.exp(-s)) for s in row]
            prompts.append(sum(w * state["tl_vectors"][i] for i, w in enumerate(weights)))
        z = backbone.encode_image(image[None], torch.stack(prompts))[0]
        cosines = [z @ text / z.norm() for text in backbone.classifier(CLASSES, "a {}")]
        expected.append(torch.stack(cosines) * backbone.logit_scale)
    with torch.no_grad():
        assert torch.allclose(module(images), torch.stack(expected), atol=1e-3)


def test_mlp_trunk_sees_the_centre_crop_and_nothing_else(backbone: ClipBackbone) -> None:
    module = build(backbone, trunk="mlp", resolution=32)
    images = torch.randn(2, 3, 32, 32)
    outside = images + 1
    outside[:, :, 11:21, 11:21] = images[:, :, 11:21, 11:21]
    assert torch.equal(module.prompts(images), module.prompts(outside))
    inside = images.clone()
    inside[:, :, 20, 20] += 1
    assert not torch.equal(module.prompts(images), module.prompts(inside))
    flat = images[:, :, 11:21, 11:21].reshape(2, 300)
    hidden, projection = module.model[2], module.model[4]
    scores = projection(hidden(flat).relu()).view(2, 8, 64)
    assert torch.allclose(module.weights(images), scores.softmax(-1), atol=1e-6)


def test_direct_generation_has_no_library_and_projects_to_prompts(backbone: ClipBackbone) -> None:
    module = build(backbone, generation="direct", prompt_length=3).eval()
    assert not hasattr(module, "tl_vectors")
    images = torch.randn(2, 3, 64, 64)
    features = module.model.blocks(module.model.input_net(images)).mean((2, 3))
    expected = module.model.output_net[2](features).view(2, 3, backbone.info.width)
    assert torch.allclose(module.prompts(images), expected, atol=1e-6)


def test_images_at_the_resolution_are_not_resized_others_are(backbone: ClipBackbone) -> None:
    module = build(backbone, resolution=64).eval()
    seen: list[Tensor] = []
    module.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    large = torch.rand(1, 3, 128, 128)
    small = F.interpolate(large, (64, 64), mode="bilinear", antialias=True)
    module.prompts(large)
    module.prompts(small)
    assert torch.equal(seen[0], small)
    assert seen[1] is small


def test_library_starts_as_its_strategy_says(backbone: ClipBackbone) -> None:
    size = {"library_size": 4096, "prompt_length": 1}
    normal = build(backbone, **size).tl_vectors.detach()
    assert normal.std().item() == pytest.approx(0.02, rel=0.02)
    uniform = build(backbone, library_init="uniform", **size).tl_vectors.detach()
    bound = math.sqrt(6 / (3 * 8**2 + 48))
    assert 0.99 * bound < uniform.abs().max().item() <= bound
    assert uniform.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    tokens = build(backbone, library_init="tokens", **size).tl_vectors.detach()
    own = backbone.embed_image(torch.zeros(1, 3, 32, 32))[0]
    distance, which = torch.cdist(tokens, own).min(1)
    assert distance.max().item() < 0.02 * 2 * math.sqrt(48)
    assert len(which.unique()) == len(own)
    for start in ("normal", "uniform", "tokens"):
        twice = build(backbone, library_init=start, init_scale=2.0, **size).tl_vectors.detach()
        once = build(backbone, library_init=start, **size).tl_vectors.detach()
        assert torch.allclose(twice, 2 * once)


def test_cells_that_differ_in_one_axis_share_the_other_tensors(backbone: ClipBackbone) -> None:
    base = build(backbone).state_dict()
    longer = build(backbone, prompt_length=16, library_init="uniform").state_dict()
    same = {name for name, value in base.items() if torch.equal(value, longer[name])}
    others = ("tl_vectors", "model.output_net.2.weight", "model.output_net.2.bias")
    assert same == base.keys() - set(others)
    library = build(backbone, trunk="mlp", prompt_length=3).state_dict()["tl_vectors"]
    assert torch.equal(library, base["tl_vectors"])


def test_prompts_longer_than_the_backbone_takes_are_refused(backbone: ClipBackbone) -> None:
    limit = backbone.info.max_prompts
    assert PGN.skip(PGN.params(prompt_length=limit), backbone.info) is None
    reason = PGN.skip(PGN.params(prompt_length=limit + 1), backbone.info)
    assert reason is not None
    assert str(limit) in reason


def test_mapped_head_on_a_vision_model_reads_the_first_outputs_of_its_own() -> None:
    vit, images = small_vit(), torch.randn(2, 3, 32, 32)
    module = build(vit, resolution=32, head="mapped").eval()
    expected = vit.head_logits(vit.encode_image(images, module.prompts(images)))[:, :3]
    assert torch.equal(module(images), expected)


def test_a_head_leaves_names_and_draws_of_the_generator_as_they_are() -> None:
    vit = small_vit()
    mapped = build(vit, library_init="tokens", head="mapped").state_dict()
    linear = build(vit, library_init="tokens", head="linear").state_dict()
    assert linear.keys() - mapped.keys() == {"head.weight", "head.bias"}
    assert {name.split(".")[0] for name in mapped} == {"tl_vectors", "model"}
    assert all(torch.equal(value, linear[name]) for name, value in mapped.items())


def test_a_head_that_the_backbone_lacks_is_refused(backbone: ClipBackbone) -> None:
    assert "head text" in (PGN.skip(PGN.params(), small_vit().info) or "")
    assert "head mapped" in (PGN.skip(PGN.params(head="mapped"), backbone.info) or "")
    assert PGN.skip(PGN.params(head="mapped"), small_vit().info) is None
