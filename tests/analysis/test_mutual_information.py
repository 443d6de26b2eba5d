from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sweeper.analysis.mutual_information import (
    norm_matched,
    prompt_patch_information,
    prompt_patch_nmi,
)
from sweeper.seeds import generator


def by_loops(prompts: Tensor, patches: Tensor) -> float:
    """Equations 7 and 8, term by term."""
    rows: list[list[float]] = patches.tolist()
    raw = [
        [1 / (1 + math.exp(-sum(a * b for a, b in zip(p, e, strict=True)))) for e in rows]
        for p in prompts.tolist()
    ]
    total = sum(map(sum, raw))
    pi = [[value / total for value in line] for line in raw]
    of_prompts = [sum(line) for line in pi]
    of_patches = [sum(column) for column in zip(*pi, strict=True)]
    shared = sum(
        value * math.log(value / (of_prompts[k] * of_patches[j]))
        for k, line in enumerate(pi)
        for j, value in enumerate(line)
    )
    entropies = -sum(q * math.log(q) for q in (*of_prompts, *of_patches))
    return float(2 * shared / entropies)


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(0, "tokens", *shape), dtype=torch.float64)


def test_nmi_is_equations_7_and_8_term_by_term() -> None:
    prompts, patches = draw(2, 3, 4), draw(2, 5, 4)
    expected = [by_loops(p, e) for p, e in zip(prompts, patches, strict=True)]
    assert min(expected) > 0.01
    assert prompt_patch_nmi(prompts, patches).tolist() == pytest.approx(expected, rel=1e-10)


def test_nmi_is_one_where_each_prompt_goes_with_one_patch() -> None:
    patches = 100 * (torch.eye(4) - 0.5)  # sigmoid is 1 on the diagonal, else 0
    assert prompt_patch_nmi(torch.eye(4)[None], patches[None]).item() == pytest.approx(1, abs=1e-9)


def test_nmi_is_zero_for_one_prompt_for_equal_prompts_and_for_one_patch_each() -> None:
    one, patches = draw(1, 1, 4), draw(1, 5, 4)
    assert prompt_patch_nmi(one, patches).item() == pytest.approx(0, abs=1e-12)
    assert prompt_patch_nmi(one.expand(-1, 3, -1), patches).item() == pytest.approx(0, abs=1e-12)
    assert prompt_patch_nmi(one, patches[:, :1]).item() == 0


def test_huge_scores_stay_finite() -> None:
    found = prompt_patch_nmi(1e4 * draw(1, 3, 4).float(), 1e4 * draw(1, 5, 4).float())
    assert 0 <= found.item() <= 1


def test_control_has_the_norms_of_each_images_prompts_and_one_direction_for_all() -> None:
    prompts = draw(2, 3, 8) * torch.tensor([1.0, 5.0])[:, None, None]
    control = norm_matched(prompts, generator(0, "control"))
    torch.testing.assert_close(control.norm(dim=-1), prompts.norm(dim=-1))
    cosine = torch.nn.functional.cosine_similarity(control[0], control[1], dim=-1)
    torch.testing.assert_close(cosine, torch.ones(3, dtype=torch.float64))
    again = norm_matched(prompts, generator(0, "control"))
    torch.testing.assert_close(again, control)


def test_unrelated_tokens_reach_the_nmi_of_prompts_taken_from_the_patches_and_control_tells() -> (
    None
):
    patches = draw(1, 49, 768)
    taken, unrelated = patches[:, :8], draw(1, 8, 768)
    of_taken, of_unrelated, of_short = (
        prompt_patch_information(prompts, patches, draw=generator(0, "control"))
        for prompts in (taken, unrelated, 0.02 * unrelated)
    )
    assert of_taken.nmi.item() == pytest.approx(of_unrelated.nmi.item(), rel=0.1)
    assert of_short.nmi.item() < of_unrelated.nmi.item() / 5
    for found in (of_unrelated, of_short):
        assert found.control.item() == pytest.approx(found.nmi.item(), rel=0.1)
    assert of_taken.prompt_norm.item() == pytest.approx(math.sqrt(768), rel=0.05)
    assert of_short.patch_norm.item() == pytest.approx(patches.norm(dim=-1).mean().item())
