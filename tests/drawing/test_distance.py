import torch

from sweeper.drawing.distance import FINE, GRID, REACH, distance_to, fine_grid, signed_distance


def test_distance_to_equals_brute_force() -> None:
    mask = torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(0)) < 0.1
    mask[:, 4, 2] = True
    points = torch.stack(torch.meshgrid(torch.arange(9), torch.arange(7), indexing="ij"), -1)
    points = points.view(-1, 2).float()
    for one, found in zip(mask, distance_to(mask), strict=True):
        expected = torch.cdist(points, points[one.flatten()]).amin(1).view(9, 7)
        torch.testing.assert_close(found, expected)


def test_signed_distance_of_a_disc_is_radius_minus_distance() -> None:
    x, y = fine_grid()
    field = signed_distance((torch.hypot(x, y) < 0.7)[None])[0]
    radius = torch.nn.functional.avg_pool2d(torch.hypot(x, y)[None], FINE // GRID)[0]
    assert (field - (radius - 0.7)).abs().max() < 2 * REACH / FINE * 1.5
