from sweeper.drawing.distance import GRID
from sweeper.drawing.shape import PREDICATES, SEEN, UNSEEN, shape_atlas


def test_kinds_are_split_into_seen_and_unseen() -> None:
    assert set(SEEN) | set(UNSEEN) == set(PREDICATES)
    assert not set(SEEN) & set(UNSEEN)


def test_every_kind_fills_part_of_its_disc_and_no_two_are_alike() -> None:
    inside = shape_atlas(SEEN + UNSEEN) < 0
    assert inside.shape == (len(PREDICATES), GRID, GRID)
    share = inside.float().mean((1, 2))
    assert share.min() > 0.05
    assert share.max() < 0.6
    flat = inside.flatten(1).float()
    common = flat @ flat.T
    union = flat.sum(1)[:, None] + flat.sum(1)[None] - common
    overlap = (common / union).fill_diagonal_(0)
    assert overlap.max() < 0.95


def test_arrow_points_up() -> None:
    arrow = (shape_atlas(("arrow",))[0] < 0).sum(1)
    middle = GRID // 2
    widest = int(arrow.argmax())
    assert widest < middle
