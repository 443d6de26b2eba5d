"""The backbones that come with sweeper, and what is cut from the trained one."""

import pytest
import torch

from sweeper.backbones import shipped, towers


def test_the_first_blocks_alone_are_the_embedded_tower_cut_there():
    whole, cut = towers.load("embedded"), towers.load("embedded/first-2")
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert cut.info.depth == 2
    assert cut.info.weights == f"{whole.info.weights}/first-2"
    model = shipped.load()
    del model.visual.transformer.resblocks[2:]
    with torch.no_grad():
        torch.testing.assert_close(cut.encode_image(images), model.encode_image(images))
    assert not torch.allclose(cut.encode_image(images), whole.encode_image(images), atol=1e-2)


def test_the_untrained_tower_is_the_same_each_time_and_shares_the_text_tower():
    whole, one = shipped.load(), shipped.load("embedded/untrained")
    again = shipped.load("embedded/untrained")
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert torch.equal(one.token_embedding.weight, whole.token_embedding.weight)
    assert not torch.equal(one.visual.conv1.weight, whole.visual.conv1.weight)


@pytest.mark.parametrize("name", shipped.names())
def test_a_shipped_backbone_has_the_parameters_that_its_description_says(name):
    visual = shipped.load(name).visual
    counted = sum(value.numel() for value in visual.state_dict().values())
    assert counted == shipped.describe(name).parameters
