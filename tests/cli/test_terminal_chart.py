import numpy as np
import pytest

from gatecast.cli.terminal_chart import MIN_WIDTH, draw

HISTORY = [3, 4, 6, 5, 3, 4, 6, 5, 3, 4, 6, 5]
FORECAST = [3, 4, 6, 5]
INTERVAL = ([2, 3, 5, 4], [4, 5, 7, 6])
DATES = ("2020-01", "2021-01", "2021-04")

BRAILLE = """\
7.000 ┤                               ┊     ░░
      │    ⢀⡖⢦⡀       ⢠⠶⢤⡀       ⣠⠲⣄  ┊    ░⡰⠲⣄░
      │   ⢠⠎  ⠙⢦⡀    ⣠⠋  ⠙⢦     ⣰⠃ ⠈⠑⣆┊  ░░⡼⠁░⠈⠓
4.000 ┤ ⢀⣠⠏     ⢳⡀ ⢀⡴⠃    ⠈⢧  ⢀⡼⠁    ⠘⢆░░⣠⠞⠁  ░░
      │⠴⠋        ⠳⠴⠋        ⠳⠞⠉       ⠈⠧⠞⠁░
2.000 ┤                               ┊░░
      └─────────────────────────────────────────
       2020-01                           2021-04
       ⠤ history ┊ ⠤ forecast   ░ 95 % interval
"""

ASCII = """\
7.000 |                               |     ::
      |     ***       ***        ***  |    :ooo:
      |   *** ***    ** ***     ** **o|  :ooo:oo
4.000 | ***     ** ***    *** ***    oo:ooo:  ::
      |**        ***        ***       ooo::
2.000 |                               |::
      +-----------------------------------------
       2020-01                           2021-04
       * history | o forecast   : 95 % interval
"""


def drawing_of(history=HISTORY, forecast=FORECAST, interval=INTERVAL, **options):
    options = {"width": 48, "height": 6, "label": "95 % interval", **options}
    return draw(history, forecast, interval, DATES, **options)


@pytest.mark.parametrize(("unicode", "golden"), [(True, BRAILLE), (False, ASCII)])
def test_golden(unicode, golden):
    assert "\n".join(drawing_of(unicode=unicode).lines) + "\n" == golden


def test_ascii_is_ascii():
    assert "\n".join(drawing_of(unicode=False).lines).isascii()


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [MIN_WIDTH, 57, 100])
@pytest.mark.parametrize("height", [1, 2, 10])
@pytest.mark.parametrize("h", [1, 3, 200])
def test_every_line_has_its_roles_and_fits(unicode, width, height, h):
    forecast = np.linspace(3, 900, h)
    drawing = drawing_of(HISTORY, forecast, (forecast - 1, forecast + 1), width=width, height=height, unicode=unicode)
    assert len(drawing.lines) == len(drawing.roles) == height + 3
    for line, roles in zip(drawing.lines, drawing.roles, strict=True):
        assert len(line) <= len(roles)
        assert len(line) <= width
    assert {"h", "f"} <= set("".join(drawing.roles))


@pytest.mark.parametrize("width", [0, 10, MIN_WIDTH - 1])
def test_nothing_where_there_is_no_room(width):
    assert drawing_of(width=width) == ([], [])


def test_nothing_of_nothing():
    assert drawing_of([np.nan, np.nan]) == ([], [])


def test_a_constant_series_has_a_scale():
    drawing = drawing_of([5.0] * 8, [5.0] * 4, None)
    assert [line.split()[0] for line in drawing.lines[:6] if line[0].isdigit()] == ["5.500", "4.900", "4.500"]
    assert "interval" not in drawing.lines[-1]


def test_a_gap_stays_a_gap():
    history = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9])
    holed = history.copy()
    holed[3:8] = np.nan
    solid, gap = (drawing_of(values, [1.0], None, unicode=False).lines[5].count("*") for values in (history, holed))
    assert gap < 0.7 * solid


def test_a_lone_point_between_gaps_is_drawn():
    drawing = drawing_of([1.0, np.nan, 5.0, np.nan, 1.0], [1.0], None, unicode=False)
    assert "*" in drawing.lines[0]


def test_outliers_stay_on_the_chart():
    drawing = drawing_of(forecast=[3, 4, 60, 5], interval=([2, 3, -50, 4], [4, 5, 70, 6]))
    assert drawing.lines[0].split()[0] == "70.00"
    assert drawing.lines[5].split()[0] == "-50.00"
