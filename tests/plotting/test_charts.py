import struct
import subprocess
import sys
import warnings
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from chart_cases import SEASON, make_forecast, with_values

from gatecast.errors import ConfigError
from gatecast.plotting import charts
from gatecast.plotting.spec import Bars, Chart
from gatecast.results import Forecast

pytest.importorskip("matplotlib")
matplotlib_backend = pytest.importorskip("gatecast.plotting.matplotlib_backend")


def png_pixels(data):
    """Width, height and distinct bytes of a PNG's decompressed rows; verifies every checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    offset, packed, size, kind = 8, b"", None, b""
    while offset < len(data):
        (length,) = struct.unpack(">I", data[offset : offset + 4])
        kind, body = data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]
        assert struct.unpack(">I", data[offset + 8 + length : offset + 12 + length])[0] == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        packed += body if kind == b"IDAT" else b""
        offset += 12 + length
    assert kind == b"IEND"
    return *size, len(set(zlib.decompress(packed)))


def labels(figure):
    """Names in the legend."""
    return figure.axes[0].get_legend_handles_labels()[1]


@pytest.mark.slow
def test_plot_png_writes_picture(tmp_path):
    assert make_forecast().plot(tmp_path / "a.png") is None
    width, height, distinct = png_pixels((tmp_path / "a.png").read_bytes())
    assert (width, height) == (1600, 832)
    assert distinct > 16


@pytest.mark.slow
def test_plot_svg_writes_picture(tmp_path):
    make_forecast().plot(tmp_path / "a.SVG")
    root = ElementTree.parse(tmp_path / "a.SVG").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 20


@pytest.mark.slow
def test_plot_twice_writes_same_bytes(tmp_path):
    for name in "ab":
        make_forecast().plot(tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_forecast_chart_shows_history_models_and_intervals():
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


def test_forecast_chart_has_gaps_between_test_windows():
    (axes,) = make_forecast().plot().axes
    lines = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 25]
    assert len(lines) == 2
    assert all(np.flatnonzero(np.isnan(values)).tolist() == [12] for values in lines)


@pytest.mark.slow
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
def test_plot_unusual_input_draws_picture(tmp_path, options):
    make_forecast(**options).plot(tmp_path / "a.png")
    assert png_pixels((tmp_path / "a.png").read_bytes())[:2] == (1600, 832)


@pytest.mark.slow
def test_plot_constant_series_with_gap_draws_picture(tmp_path):
    values = np.full(120, 7.0)
    values[50:110] = np.nan
    with_values(make_forecast(), values).plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_plot_does_not_import_pyplot():
    before = "matplotlib.pyplot" in sys.modules
    make_forecast().plot()
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_plot_id_selects_series():
    several = make_forecast(names=("a", "b"))
    assert several.plot().axes[0].texts[-1].get_text() == "Passengers of a: 12 steps ahead"
    figure = several.plot(id="b")
    assert figure.axes[0].texts[-1].get_text() == "Passengers of b: 12 steps ahead"
    mean = figure.axes[0].lines[-3].get_ydata()
    assert np.array_equal(mean, several.table["LSTM"][12:])


def test_chart_without_id_skips_series_without_values():
    several = make_forecast(names=("a", "b"))
    values = several.past.panel.values.copy()
    values[:120] = np.nan
    assert with_values(several, values).chart().title == "Passengers of b: 12 steps ahead"


def test_plot_unknown_id_raises():
    with pytest.raises(ConfigError) as error:
        make_forecast(names=("a", "b")).plot(id="c")
    text = "Unknown series: got 'c', expected one of 2 names, for example a, b."
    assert str(error.value) == text


def test_chart_numeric_id_as_text_selects_series():
    several = make_forecast(names=(7, 11))
    assert several.chart("11").title == several.chart(11).title == "Passengers of 11: 12 steps ahead"


def test_plot_without_history_shows_forecast_only():
    assert labels(replace(make_forecast(), past=None).plot()) == ["95 % interval", "80 % interval", "LSTM"]


@pytest.mark.slow
def test_evaluation_plot_shows_actual_values_and_forecasts():
    figure = make_forecast().past.evaluation.plot()
    assert labels(figure) == ["actual", "95 % interval", "80 % interval", "seasonal naive", "LSTM"]
    assert figure.axes[0].texts[-1].get_text() == "Passengers: 24 rows, forecast 12 at a time"


def test_evaluation_plot_id_selects_series():
    evaluation = make_forecast(names=("a", "b")).past.evaluation
    assert np.array_equal(evaluation.plot(id="b").axes[0].lines[0].get_ydata(), evaluation.table["Passengers"][24:])
    with pytest.raises(ConfigError, match="Unknown series: got 'c'"):
        evaluation.plot(id="c")


def test_chart_of_cutoffs_has_gaps_between_windows():
    evaluation = make_forecast().past.evaluation
    cutoffs = np.repeat(evaluation.table["ds"][[0, 12]], 12)
    folds = Forecast({**evaluation.table, "cutoff": cutoffs}, None, "ds", "Passengers")
    chart = folds.chart()
    assert chart.title == "Passengers: 24 rows, forecast 12 at a time"
    assert np.flatnonzero(np.isnan(chart.marks[-1].y)).tolist() == [12]


def test_chart_of_sample_paths_has_gaps_between_paths():
    forecast = make_forecast()
    table = {"ds": np.tile(forecast.table["ds"], 3), "path": np.repeat([1, 2, 3], 12), "LSTM": np.arange(36.0)}
    chart = replace(forecast, table=table, columns=table).chart()
    assert chart.title == "Passengers: 3 paths of 12 steps"
    assert len(chart.marks[-1].y) == 36 + 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.pdf", "Unknown file type of a chart (a.pdf): got '.pdf', expected .png, .svg or .html. Write a.png."),
        ("a", "Unknown file type of a chart (a): got no suffix, expected .png, .svg or .html. Write a.png."),
        ("no/a.png", "The chart's folder does not exist (no/a.png). Create the folder first."),
    ],
)
def test_plot_impossible_file_raises(tmp_path, monkeypatch, name, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        make_forecast().plot(name)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("installed", "name", "text"),
    [
        (
            (),
            "a.png",
            "A chart needs matplotlib or plotly, neither of which is installed. Install it: pip install "
            '"gatecast[plot]"',
        ),
        (
            ("matplotlib",),
            "a.html",
            'A chart needs plotly, which is not installed. Install it: pip install "gatecast[report]"',
        ),
        (
            ("plotly",),
            "a.svg",
            "plotly cannot write .svg here (a.svg): got no matplotlib, no kaleido, expected "
            'matplotlib: pip install "gatecast[plot]". Or write a.html.',
        ),
    ],
)
def test_plot_without_library_raises(monkeypatch, installed, name, text):
    monkeypatch.setattr(charts, "find_spec", lambda library: library if library in installed else None)
    with pytest.raises(ConfigError) as error:
        make_forecast().plot(name)
    assert str(error.value) == text


def test_plot_with_plotly_only_returns_figure(monkeypatch):
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


def test_plot_html_writes_page(tmp_path):
    pytest.importorskip("plotly")
    make_forecast().plot(tmp_path / "a.html")
    assert (tmp_path / "a.html").stat().st_size > 3_000_000


@pytest.mark.slow
def test_figure_shows_in_notebooks():
    data = make_forecast().plot()._repr_png_()
    assert png_pixels(data)[0] > 800


@pytest.mark.slow
def test_chart_shows_in_notebooks(monkeypatch):
    chart = make_forecast().chart()
    assert png_pixels(chart._repr_png_())[0] > 800
    assert chart._repr_html_() is None
    pytest.importorskip("plotly")
    monkeypatch.setattr(charts, "find_spec", lambda library: None if library == "matplotlib" else library)
    assert chart._repr_png_() is None
    assert "Passengers: 12 steps ahead" in chart._repr_html_()
    monkeypatch.setattr(charts, "find_spec", lambda _: None)
    assert chart._repr_html_() is None


def test_importing_results_imports_no_drawing_library():
    code = "import sys, gatecast.results; print(*{'matplotlib', 'plotly'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


@pytest.mark.slow
def test_chinese_texts_have_glyphs(tmp_path):
    bars = Chart("销量", (Bars(("价格", "节日"), np.ones(2), "", "model"),), "说明", x_label="数值", y_labels=("列",))
    matplotlib_backend.draw(bars)
    if len(matplotlib_backend._families()) < 2:
        pytest.skip("no font with Chinese glyphs is installed")
    for chart in (make_forecast(names=("上海", "北京"), target="销量").chart("上海"), bars):
        with warnings.catch_warnings():
            # Matplotlib warns of every glyph that no font has.
            warnings.simplefilter("error")
            matplotlib_backend.draw(chart).savefig(tmp_path / "a.png")


def test_evaluation_series_knows_target():
    assert make_forecast().past.evaluation.series().target_col == "Passengers"
    assert make_forecast(names=("a", "b")).past.evaluation.series("a").target_col == "Passengers"
