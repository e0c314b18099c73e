import struct
import sys
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from chart_cases import SEASON, make_forecast, with_values

from gatecast.errors import ConfigError
from gatecast.plotting import charts
from gatecast.results import Forecast

pytest.importorskip("matplotlib")


def png_pixels(data):
    """Width, height and distinct bytes of a PNG's decompressed rows; every check sum is verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, packed, size, kind = 8, b"", None, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        packed += body if kind == b"IDAT" else b""
        place += 12 + length
    assert kind == b"IEND"
    return *size, len(set(zlib.decompress(packed)))


def labels(figure):
    """Names in the legend."""
    return figure.axes[0].get_legend_handles_labels()[1]


def test_png(tmp_path):
    assert make_forecast().plot(tmp_path / "a.png") is None
    width, height, distinct = png_pixels((tmp_path / "a.png").read_bytes())
    assert (width, height) == (1600, 832)
    assert distinct > 16


def test_svg(tmp_path):
    make_forecast().plot(tmp_path / "a.SVG")
    root = ElementTree.parse(tmp_path / "a.SVG").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 20


def test_same_forecast_same_bytes(tmp_path):
    for name in "ab":
        make_forecast().plot(tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_chart_shows_history_both_models_and_intervals():
    figure = make_forecast().plot()
    (axes,) = figure.axes
    assert labels(figure) == ["history", "95 % interval", "80 % interval", "seasonal naive", "LSTM"]
    texts = [text.get_text() for text in axes.texts]
    assert texts[:2] == ["test", "forecast"]
    assert texts[-1] == "Passengers: 12 steps ahead"
    # Two intervals for the forecast, and for the test part two that are interrupted between its forecasts.
    assert len(axes.collections) == 4
    history = axes.lines[0].get_ydata()
    assert len(history) == max(3 * SEASON, 24 + 12, 48)


def test_a_test_part_of_several_forecasts_is_interrupted_between_them():
    (axes,) = make_forecast().plot().axes
    drawn = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 25]
    assert len(drawn) == 2
    assert all(np.flatnonzero(np.isnan(one)).tolist() == [12] for one in drawn)


@pytest.mark.parametrize(
    "options",
    [
        {"h": 1},
        {"h": 200},
        {"evaluated": False},
        {"dated": False},
        {"levels": ()},
        {"levels": (97.5,)},
        {"levels": (50, 60, 70, 80, 90)},
        {"target": "价格 in $US and $A"},
        {"target": "_" * 300},
        {"first": "9990-01"},
        {"first": "-0100-01"},
    ],
)
def test_what_a_chart_must_stand(tmp_path, options):
    make_forecast(**options).plot(tmp_path / "a.png")
    assert png_pixels((tmp_path / "a.png").read_bytes())[:2] == (1600, 832)


def test_gaps_and_constants(tmp_path):
    values = np.full(120, 7.0)
    values[50:110] = np.nan
    with_values(make_forecast(), values).plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_pyplot_stays_out_of_it():
    before = "matplotlib.pyplot" in sys.modules
    make_forecast().plot()
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_one_of_several_series():
    several = make_forecast(names=("a", "b"))
    assert several.plot().axes[0].texts[-1].get_text() == "Passengers of a: 12 steps ahead"
    figure = several.plot(id="b")
    assert figure.axes[0].texts[-1].get_text() == "Passengers of b: 12 steps ahead"
    mean = figure.axes[0].lines[-3].get_ydata()
    assert np.array_equal(mean, several.table["LSTM"][12:])


def test_the_first_series_with_a_value_is_drawn():
    several = make_forecast(names=("a", "b"))
    values = several.past.panel.values.copy()
    values[:120] = np.nan
    assert with_values(several, values).chart().title == "Passengers of b: 12 steps ahead"


def test_an_unknown_series():
    with pytest.raises(ConfigError) as error:
        make_forecast(names=("a", "b")).plot(id="c")
    said = "there is no such series: got 'c', expected one of 2 names, such as a, b."
    assert str(error.value) == said


def test_a_name_that_is_a_number_may_come_as_text():
    several = make_forecast(names=(7, 11))
    assert several.chart("11").title == several.chart(11).title == "Passengers of 11: 12 steps ahead"


def test_without_a_past_the_forecast_stands_alone():
    assert labels(replace(make_forecast(), past=None).plot()) == ["95 % interval", "80 % interval", "LSTM"]


def test_evaluation():
    figure = make_forecast().past.evaluation.plot()
    assert labels(figure) == ["what came", "95 % interval", "80 % interval", "seasonal naive", "LSTM"]
    assert figure.axes[0].texts[-1].get_text() == "Passengers: 24 rows, forecast 12 at a time"


def test_evaluation_of_several():
    evaluation = make_forecast(names=("a", "b")).past.evaluation
    assert np.array_equal(evaluation.plot(id="b").axes[0].lines[0].get_ydata(), evaluation.table["Passengers"][24:])
    with pytest.raises(ConfigError, match="there is no such series: got 'c'"):
        evaluation.plot(id="c")


def test_backtest():
    evaluation = make_forecast().past.evaluation
    cutoffs = np.repeat(evaluation.table["ds"][[0, 12]], 12)
    folds = Forecast({**evaluation.table, "cutoff": cutoffs}, None, "ds", "Passengers")
    chart = folds.chart()
    assert chart.title == "Passengers: 24 rows, forecast 12 at a time"
    assert np.flatnonzero(np.isnan(chart.marks[-1].y)).tolist() == [12]


def test_sample_paths():
    forecast = make_forecast()
    table = {"ds": np.tile(forecast.table["ds"], 3), "path": np.repeat([1, 2, 3], 12), "LSTM": np.arange(36.0)}
    chart = replace(forecast, table=table, columns=table).chart()
    assert chart.title == "Passengers: 3 paths of 12 steps"
    assert len(chart.marks[-1].y) == 36 + 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.pdf", "a chart has an unknown file type (a.pdf): got '.pdf', expected .png, .svg or .html. Write a.png."),
        ("a", "a chart has an unknown file type (a): got no suffix, expected .png, .svg or .html. Write a.png."),
        ("no/a.png", "the chart's folder does not exist (no/a.png). Make the folder first."),
    ],
)
def test_files_that_are_none(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        make_forecast().plot(name)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("installed", "name", "said"),
    [
        (
            (),
            "a.png",
            "a chart needs matplotlib or plotly, neither of which is installed. Install it: pip install "
            '"gatecast[plot]"',
        ),
        (
            ("matplotlib",),
            "a.html",
            'a chart needs plotly, which is not installed. Install it: pip install "gatecast[report]"',
        ),
        (
            ("plotly",),
            "a.svg",
            "plotly cannot write .svg here (a.svg): got no matplotlib, no kaleido, expected "
            'matplotlib: pip install "gatecast[plot]". Or write a.html.',
        ),
    ],
)
def test_without_a_library(monkeypatch, installed, name, said):
    monkeypatch.setattr(charts, "find_spec", lambda library: library if library in installed else None)
    with pytest.raises(ConfigError) as error:
        make_forecast().plot(name)
    assert str(error.value) == said


def test_with_plotly_alone_a_figure_comes_back(monkeypatch):
    pytest.importorskip("plotly")
    monkeypatch.setattr(charts, "find_spec", lambda library: None if library == "matplotlib" else library)
    figure = make_forecast().plot()
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "history",
        "95 % interval",
        "80 % interval",
        "seasonal naive",
        "LSTM",
    ]
    assert figure.layout.title.text == "Passengers: 12 steps ahead"
    assert not [trace for trace in figure.data if "@" in str(trace.line.color)]


def test_a_page_through_plotly(tmp_path):
    pytest.importorskip("plotly")
    make_forecast().plot(tmp_path / "a.html")
    assert (tmp_path / "a.html").stat().st_size > 3_000_000


def test_evaluations_of_one_and_of_several_know_their_columns():
    assert make_forecast().past.evaluation.series().target_col == "Passengers"
    assert make_forecast(names=("a", "b")).past.evaluation.series("a").target_col == "Passengers"
