"""What every picture keeps to, whatever its numbers."""

import pytest
from matplotlib.figure import Figure

from reports.drawing import lines
from reports.drawing.lines import Pane, Ruler, Stroke
from reports.drawing.style import bounded


@pytest.mark.parametrize(
    ("unit", "limits"),
    [("top-1, %", (-2.0, 102.0)), ("points", (-102.0, 102.0)), ("seconds", (-400.0, 600.0))],
)
def test_an_axis_ends_where_no_value_can_be(unit, limits):
    assert bounded(unit, -400.0, 600.0) == limits
    assert bounded(unit, 40.0, 60.0) == (40.0, 60.0)


def test_wide_intervals_leave_room_for_the_means(monkeypatch):
    drawn = []
    monkeypatch.setattr(lines, "files", lambda figure: drawn.append(figure) or {})
    stroke = Stroke("two seeds", [1, 2, 4], [50.0, 60.0, 55.0], [300.0, 5.0, 400.0], 0)
    lines.draw_lines([Pane("", [stroke], [], "top-1, %")], Ruler("length", log=True, ticks=[1, 4]))
    (figure,) = drawn
    assert isinstance(figure, Figure)
    assert figure.axes[0].get_ylim() == (-2.0, 102.0)
