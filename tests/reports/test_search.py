"""The section of a search, of trials made by hand with known answers."""

import random

import pytest

from reports import query
from reports.document import Grid, Paragraph, Picture
from reports.search import found, search_blocks
from reports.study import FEWEST, front, importances
from sweeper.records import TrialStatus
from sweeper.spec.plan import EarlyTerminate, Plan, Search
from sweeper.tracking.writer import Writer
from tests.tracking import made

SPACE = {
    "prompt_length": {"kind": "integers", "low": 1, "high": 64, "log": True},
    "trunk": {"kind": "choice", "values": ["mlp", "res|net_10%"]},
}


def the_plan(**changes) -> Plan:
    search = Search(num_trials=20, base={}, space=SPACE, **changes)
    return Plan(sweep="search", profile="demo", seeds=(0,), cells=(), search=search)


def drawn(length: int, trunk: str, epochs: int = 9):
    return made.trial(0, prompt_length=length, trunk=trunk, epochs=epochs)


def written(plan: Plan, folder, trials) -> query.Recording:
    """`trials`: (spec, its accuracy, trainable parameters, status)."""
    store = made.blank_store(folder)
    with Writer(store, plan) as writer:
        for spec, acc, size, status in trials:
            ended = made.result(spec, status, acc=acc)
            ended = type(ended)(**{**vars(ended), "trainable_parameters": size})
            writer.trial_started(spec, 1)
            for epoch in range(1, ended.epochs + 1):
                writer.epoch(spec, made.record(epoch, acc))
            writer.trial_ended(spec, ended)
    return query.load(store.uri, plan.sweep)


def plain(content) -> str:
    return "".join(span.text for span in content)


def grid(blocks, name: str) -> Grid:
    (one,) = [b for b in blocks if isinstance(b, Grid) and b.name == name]
    return one


def column(one: Grid, header: str) -> list[str]:
    place = [plain(each) for each in one.headers].index(header)
    return [plain(row[place]) for row in one.rows]


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    """Twelve draws: accuracy rises with the length and with nothing else; the short are stopped."""
    trials = []
    for n, length in enumerate(range(4, 52, 4)):
        spec = drawn(length, SPACE["trunk"]["values"][n % 2])
        status = TrialStatus.STOPPED if n < 5 else TrialStatus.FINISHED
        trials.append((spec, 0.5 + length / 200, 1000 * length, status))
    plan = the_plan(early_terminate=EarlyTerminate(min_iter=1))
    return written(plan, tmp_path_factory.mktemp("store"), trials)


@pytest.fixture(scope="module")
def blocks(halved):
    return search_blocks(halved)


def test_what_was_stopped_early_is_what_was_saved(halved, blocks):
    result = found(halved)
    assert (result.stopped, result.epochs_saved, result.epochs_asked) == (5, 5 * 8, 12 * 9)
    assert result.seconds_saved == pytest.approx(5 * 8 * 1.5)  # 1.5 s for the one epoch of each
    said = plain(next(b.content for b in blocks if isinstance(b, Paragraph)))
    assert "5 were stopped early, which saved 40 of 108 epochs (37%), about 60 s" in said


def test_the_best_that_was_trained_to_the_end_can_be_typed(blocks):
    said = [plain(b.content) for b in blocks if isinstance(b, Paragraph)]
    assert any("--set prompt_length=48 --set trunk=res|net_10%" in each for each in said)


def test_ranking_is_by_validation_and_links_to_the_runs(blocks):
    ranking = grid(blocks, "search")
    assert column(ranking, "prompt_length") == [str(n) for n in range(48, 8, -4)]
    assert column(ranking, "place") == [str(n) for n in range(1, 11)]
    links = [span.link for row in ranking.rows for cell in row for span in cell if span.link]
    assert len(links) == 10
    assert all(link.startswith("http://127.0.0.1:5000/#/experiments/") for link in links)


def test_importance_is_read_where_all_trials_have_been(blocks):
    shares = grid(blocks, "search_importance")
    assert column(shares, "parameter")[0] == "prompt_length"
    assert float(column(shares, "importance")[0]) > 0.9
    assert "after 1 epochs" in shares.caption
    assert "over 12 trials" in shares.caption


def test_on_the_front_is_what_nothing_beats(blocks):
    """Accuracy rises with the parameters, so all seven are on that front; all took 1.5 s, so the
    best alone is on the other."""
    table = grid(blocks, "search_front")
    assert column(table, "place") == [str(n) for n in range(1, 8)]
    assert column(table, "on the front of") == ["trainable, seconds"] + ["trainable"] * 6


def test_pictures_have_every_format_and_the_same_bytes_again(halved, blocks):
    pictures = [b for b in blocks if isinstance(b, Picture)]
    assert [each.name for each in pictures] == ["search_front", "search_parallel"]
    assert all(set(each.files) == {"svg", "pdf", "png"} for each in pictures)
    again = [b for b in search_blocks(halved) if isinstance(b, Picture)]
    assert [each.files for each in pictures] == [each.files for each in again]


def test_a_choice_of_numbers_that_not_all_trials_have_is_drawn(tmp_path):
    """Such a column is of floats: 16 comes back as 16.0."""
    space = SPACE | {"resolution": {"kind": "choice", "values": [16, 32]}}
    search = Search(num_trials=20, base={}, space=space)
    plan = the_plan().model_copy(update={"search": search})
    with_it = made.trial(0, prompt_length=4, trunk="mlp", resolution=16)
    trials = [(with_it, 0.6, 10, TrialStatus.FINISHED)]
    trials.append((drawn(8, "mlp"), 0.7, 20, TrialStatus.FINISHED))
    pictures = [b for b in search_blocks(written(plan, tmp_path, trials)) if isinstance(b, Picture)]
    assert [each.name for each in pictures] == ["search_front", "search_parallel"]


def test_with_few_trials_no_importance_is_made_up(tmp_path):
    trials = [(drawn(n, "mlp"), 0.5 + n / 100, 10, TrialStatus.FINISHED) for n in range(1, FEWEST)]
    blocks = search_blocks(written(the_plan(), tmp_path, trials))
    said = [plain(b.content) for b in blocks if isinstance(b, Paragraph)]
    assert any(
        f"{FEWEST - 1} trials have a val/acc at the end of training: too few" in s for s in said
    )
    assert not any(isinstance(b, Grid) and b.name == "search_importance" for b in blocks)


def test_a_search_without_any_trial_says_so(tmp_path):
    blocks = search_blocks(written(the_plan(), tmp_path, []))
    assert "0 of 20 configurations drawn (none yet)" in plain(blocks[1].content)
    assert not any(isinstance(b, Picture) for b in blocks)


def test_a_parameter_that_explains_all_has_all_the_importance():
    draw = random.Random(0)
    trials = []
    for _ in range(40):
        params = {
            "prompt_length": draw.randint(1, 64),
            "trunk": draw.choice(["mlp", "res|net_10%"]),
        }
        trials.append((params, 1.0 if params["trunk"] == "mlp" else 0.0))
    first, second = importances(SPACE, trials)
    assert (first.parameter, second.parameter) == ("trunk", "prompt_length")
    assert first.mean > 0.95
    assert first.low <= first.mean <= first.high


def test_a_parameter_that_not_all_trials_have_gets_no_importance():
    trials = [({"prompt_length": n, "trunk": "mlp"}, float(n)) for n in range(1, 12)]
    trials.append(({"prompt_length": 12}, 12.0))
    assert [each.parameter for each in importances(SPACE, trials)] == ["prompt_length"]


def test_where_nothing_moves_nothing_is_important():
    trials = [({"prompt_length": n, "trunk": "mlp"}, 0.5) for n in range(1, 20)]
    assert importances(SPACE, trials) == []


def test_the_front_is_sorted_by_cost_and_holds_no_beaten_point():
    points = [(1.0, 1.0), (2.0, 2.0), (0.0, 3.0), (2.0, 2.5), (3.0, 2.0)]
    assert front(points) == [0, 4]
