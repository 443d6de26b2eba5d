"""Each check of the conformance suite fails on a file that breaks its promise."""

from __future__ import annotations

from pathlib import Path

import pytest

import methods
from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from sweeper.conformance import CHECKS, keeps
from sweeper.errors import InputError
from tests.small_clip import small_clip

TEMPLATE = Path(methods.__path__[0]) / "_template.py"
TOKEN = "self.token = nn.Parameter(token)"
RETURN = "return self.backbone.logit_scale"

# (check, text of the template, what stands there instead, what the message says)
BROKEN: list[tuple[str, str, str, str]] = [
    ("docstring_has_its_sections", "Trainable:", "Count:", "lacks Trainable:"),
    (
        "parameters_say_where_they_come_from",
        ', description="standard deviation; CoOp, PGN code"',
        "",
        "no description: token_std",
    ),
    ("logits_are_finite_and_shaped", "@ self.text.T", "@ self.text.T[:, :2]", "logits are (10, 2)"),
    ("logits_are_finite_and_shaped", RETURN, "return float('nan') * 1", "not finite"),
    (
        "logits_are_finite_and_shaped",
        "features = self",
        "images.add_(1)\n        features = self",
        "changed its images",
    ),
    (
        "bounds_are_refused_or_run",
        "token = params",
        "assert params.token_std < 10\n        token = params",
        "token_std=10 is within its bounds and raises AssertionError",
    ),
    ("half_precision_works", "backbone.info.width", "backbone.info.breadth", "no attribute 'bre"),
    ("refusals_are_reasons", "max_prompts < 1", "max_prompts < 0", "takes no prompts"),
    ("refusals_are_reasons", "    return None\n", "    return False\n", "skip gives False"),
    (
        "half_precision_works",
        RETURN,
        "features = features * (0 if features.dtype == torch.float32 else float('inf'))\n"
        "        if torch.is_autocast_enabled('cpu'):\n"
        "            features = features * float('nan')\n"
        "        return self.backbone.logit_scale",
        "bf16 logits are not finite",
    ),
    (
        "evaluation_is_per_image",
        RETURN,
        "features = features - features.mean(0)\n        return self.backbone.logit_scale",
        "depend on its batch",
    ),
    (
        "backbone_stays_as_it_is",
        "features = self",
        "self.backbone._model.visual.proj.data.mul_(1.01)\n        features = self",
        "it changed the backbone",
    ),
    (
        "backbone_stays_as_it_is",
        TOKEN,
        f"{TOKEN}\n        self.owned = backbone._model",
        "the module owns",
    ),
    (
        "backbone_stays_as_it_is",
        "features = self",
        "self.text.mul_(1.01)\n        features = self",
        "it changed the text classifier",
    ),
    (
        "trains_what_it_says",
        TOKEN,
        f"{TOKEN}\n        self.idle = nn.Parameter(torch.zeros(3))",
        "idle got no gradient",
    ),
    ("trains_what_it_says", "def skip", "TRAINS = False\n\n\ndef skip", "TRAINS is False, but"),
    (
        "trains_what_it_says",
        "self.register_buffer(",
        "self.requires_grad_(False)\n        self.register_buffer(",
        "nothing is trainable",
    ),
    (
        "trains_what_it_says",
        RETURN,
        "features = 2 * features.detach() - features\n        return self.backbone.logit_scale",
        "a falling loss",
    ),
    (
        "seeds_decide_everything",
        "draw = generator(",
        "torch.rand(1)\n        draw = generator(",
        "torch's global stream",
    ),
    ("seeds_decide_everything", "generator(seed,", "generator(0,", "two seeds give the same start"),
    (
        "seeds_decide_everything",
        "draw = generator(",
        "type(self).built = getattr(type(self), 'built', 0) + 1\n"
        "        draw = generator(type(self).built,",
        "depends on what was drawn before",
    ),
    (
        "state_travels",
        TOKEN,
        "self.register_buffer('token', token, persistent=False)",
        "does not carry all",
    ),
    ("state_travels", "persistent=False", "persistent=True", "saves the classifier as ['text']"),
    (
        "features_are_frozen",
        "    def forward(",
        "    def features(self, images):\n        return images.mean((2, 3)) + self.token.sum()\n\n"
        "    def classify(self, features):\n        return features\n\n    def forward(",
        "features() has a gradient",
    ),
    (
        "features_are_frozen",
        "    def forward(",
        "    def features(self, images):\n        return images.mean((2, 3))\n\n"
        "    def classify(self, features):\n        return features\n\n    def forward(",
        "differs from forward(x)",
    ),
    (
        "tower_features_are_the_towers",
        "class Method(nn.Module):",
        'FEATURES = "tower"\n\n\nclass Method(nn.Module):\n    def features(self, images):\n'
        "        scale = 2 if self.offset is None else 1\n"
        "        return self.backbone.encode_image(scale * images)\n\n"
        "    def classify(self, features):\n        return features\n",
        "shift=False: FEATURES is 'tower', but features() are others",
    ),
    (
        "tower_features_are_the_towers",
        "class Method(nn.Module):",
        'FEATURES = "tower"\n\n\nclass Method(nn.Module):\n    def features(self, images):\n'
        "        return self.backbone.encode_image(images) * (1 + 1e-6 * self.training)\n\n"
        "    def classify(self, features):\n        return features\n",
        "defaults: FEATURES is 'tower', but features() are others",
    ),
    (
        "what_enters_late_is_enough",
        "    def forward(",
        "    reads_block = 2\n\n"
        "    def classify(self, tokens):\n"
        "        return tokens.mean(1)[:, :5]\n\n"
        "    def forward(",
        "defaults: classify() of what enters block 2 differs from forward(x)",
    ),
    (
        "rounds_begin_anew",
        "    def forward(",
        "    rounds = 2\n\n"
        "    def next_round(self, own):\n"
        "        with torch.no_grad():\n"
        "            self.token += torch.rand(1)\n\n"
        "    def forward(",
        "next_round depends on more than the state",
    ),
]


@pytest.fixture
def backbone() -> ClipBackbone:
    return small_clip()


@pytest.mark.parametrize(
    ("check", "old", "new", "message"), BROKEN, ids=[f"{row[0]}-{row[3]}" for row in BROKEN]
)
def test_broken_promise_is_found(
    tmp_path: Path, backbone: ClipBackbone, check: str, old: str, new: str, message: str
) -> None:
    text = TEMPLATE.read_text()
    assert old in text
    path = tmp_path / "broken.py"
    path.write_text(text.replace(old, new, 1))
    plugin = discovery.find(str(path), tmp_path)
    with pytest.raises(InputError) as caught:
        keeps(check, plugin, backbone)
    assert message in str(caught.value)
    assert "broken.py" in str(caught.value)


def test_every_check_is_tried() -> None:
    assert {row[0] for row in BROKEN} == CHECKS.keys()


def test_a_method_that_constructs_is_checked_after_its_construction(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    text = TEMPLATE.read_text().replace(
        "    def forward(",
        "    def construct(self, own, others):\n"
        "        assert not self.training and not torch.is_grad_enabled()\n"
        "        self.token += own.read(torch.arange(len(own))).mean() + others.get('none', 1)\n\n"
        "    def forward(",
        1,
    )
    (tmp_path / "building.py").write_text(text)
    plugin = discovery.find(str(tmp_path / "building.py"), tmp_path)
    for promise in CHECKS:
        keeps(promise, plugin, backbone)
