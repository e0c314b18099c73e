"""What is noticed about a panel before anything is fitted, and what is refused."""

import math

import numpy as np
import pytest
from panel_cases import QUICK, monthly

from gatecast.config import DataConfig
from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster, load
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.data_checks import check_series, trim_unobserved


def test_check_series_constant_and_empty_series_are_named(panel_table):
    table = {
        "unique_id": np.concatenate([panel_table["unique_id"], ["flat"] * 30, ["void"] * 30]),
        "ds": np.concatenate([panel_table["ds"], np.tile(panel_table["ds"][:30], 2)]),
        "y": np.concatenate([panel_table["y"], np.full(30, 5.0), np.full(30, np.nan)]),
    }
    forecaster = Forecaster(4, **QUICK).fit(table, evaluate=False)
    for name in ("flat", "void"):
        assert any(repr(name) in note for note in forecaster.data_notes_)
    forecast = forecaster.predict()
    np.testing.assert_allclose(forecast["Ensemble"][forecast["unique_id"] == "flat"], 5.0, rtol=0.01)
    assert np.isnan(forecast["Ensemble"][forecast["unique_id"] == "void"]).all()


def test_check_series_constant_series_is_forecast_as_the_constant():
    forecaster = Forecaster(2, **QUICK).fit(monthly(np.full(50, 7.0)))
    np.testing.assert_allclose(forecaster.predict()["Ensemble"], 7.0, rtol=1e-2)
    assert any("does not vary" in note for note in forecaster.data_notes_)


class TestHugeValues:
    def notes(self, *series):
        panel = {"unique_id": np.repeat([f"s{k}" for k in range(len(series))], [len(y) for y in series])}
        panel |= {"ds": np.concatenate([np.arange(len(y)) for y in series]), "y": np.concatenate(series)}
        forecaster = Forecaster(2, model="naive").fit(panel, evaluate=False)
        return [note for note in forecaster.data_notes_ if "times as large" in note]

    def test_is_named_with_its_time(self):
        y = np.arange(100.0, 150)
        y[15] *= -100
        assert self.notes(np.arange(50.0), y) == [
            "series 's1': -11500 at 15 is more than 10 times as large as nearly all other values, and distorts the "
            "forecast and its intervals. If it is wrong, empty its cell, or set missing_codes=[-11500]."
        ]

    def test_a_last_value_that_is_left_out_is_named_once(self):
        table = monthly(np.append(100 + np.sin(np.arange(60)), 14_000))
        for keep_last, words in ((False, "is unlike all before"), (True, "times as large")):
            settings = {"model": "naive", "data": DataConfig(keep_last=keep_last)}
            notes = Forecaster(2, **settings).fit(table, evaluate=False).data_notes_
            assert [words in note for note in notes if "14000" in note] == [True]

    def test_both_ways_out_narrow_the_intervals_again(self):
        widths = []
        for value, codes in ((130.0, "auto"), (13_000.25, "auto"), (np.nan, "auto"), (13_000.25, [13000.25])):
            y = np.arange(100.0, 150) + np.sin(np.arange(50) * 1.7)
            y[15] = value
            forecaster = Forecaster(2, model="dot", data=DataConfig(missing_codes=codes))
            forecast = forecaster.fit({"ds": np.arange(50), "y": y}, evaluate=False).predict()
            notes = [note for note in forecaster.data_notes_ if "set missing_codes=[13000.25]" in note]
            assert len(notes) == (value == 13_000.25 and codes == "auto")
            column = next(name for name in forecast if name.endswith("-hi-80"))
            widths.append(float((forecast[column] - forecast[column.replace("-hi-", "-lo-")]).mean()))
        clean, wrong, emptied, declared = widths
        assert wrong > 10 * clean
        assert emptied < 2 * clean
        assert declared == emptied

    @pytest.mark.parametrize(
        "y",
        [
            np.exp(np.arange(60) / 3),
            np.where(np.arange(60) % 7, 0.0, 5.0) + 500.0 * (np.arange(60) == 14),
            np.append(np.ones(10), 100.0),
            np.full(60, 3.0),
        ],
        ids=["growth", "mostly zeros", "short", "constant"],
    )
    def test_values_that_are_how_the_series_is_are_not(self, y):
        assert self.notes(y, np.arange(50.0)) == []


class TestSuddenValues:
    """Values far larger than all before them."""

    def table(self, value=12_000.0, at=40):
        y = 100 + 10 * np.sin(np.arange(70) * np.pi / 6) + np.random.default_rng(0).normal(size=70)
        y[at] = value
        return monthly(y)

    @pytest.mark.parametrize("model", ["dot", "pretrained", "seasonal-naive"])
    @pytest.mark.parametrize("at", [25, 40, 68])
    def test_are_treated_as_missing(self, model, at):
        sudden, empty = (Forecaster(6, model=model).fit(self.table(value, at)) for value in (12_000.0, np.nan))
        (note,) = [note for note in sudden.data_notes_ if "12000" in note]
        assert note.endswith("treated as missing. To use such values, set keep_outliers=True.")
        for name, column in empty.predict().items():
            assert sudden.predict()[name].tobytes() == column.tobytes()
        assert sudden.evaluation_.scores[0].mae == empty.evaluation_.scores[0].mae

    def test_are_kept_where_that_is_wanted(self):
        kept = Forecaster(6, model="naive", data=DataConfig(keep_outliers=True)).fit(self.table())
        assert kept.predict()["Naive-hi-95"].max() > 1_000
        assert any("distorts the forecast" in note for note in kept.data_notes_)

    def test_next_to_exogenous_columns_are_kept(self):
        table = self.table() | {"promotion": (np.arange(70) == 40) * 1.0}
        assert not Forecaster(6, model="naive", hist_exog="promotion").fit(table).panel_.skips_outliers

    def test_of_a_new_level_only_the_first_is(self):
        y = np.where(np.arange(60) < 30, 1.0, 100.0) + np.arange(60) / 100
        panel = Forecaster(3, model="naive").fit(monthly(y)).panel_
        assert np.flatnonzero(np.isnan(PanelContext.from_panel(panel).values[0])).tolist() == [30]
        assert panel.values.tolist() == y.tolist()

    @pytest.mark.parametrize("model", ["dot", "pretrained"])
    def test_updates_leave_out_no_more_than_a_fit(self, model):
        """A level that rises twentyfold: row by row, with rows sent again, and with rows of another series."""
        y = 100 + 10 * np.sin(np.arange(84) * np.pi / 6) + np.random.default_rng(0).normal(size=84)
        y[60:] *= 20
        panel = {"unique_id": np.repeat(["a", "b"], 84), "ds": np.tile(monthly(y)["ds"], 2), "y": np.r_[y, y[::-1]]}
        rows = np.tile(np.arange(84), 2)

        def part(chosen):
            return {name: column[chosen] for name, column in panel.items()}

        updated = Forecaster(3, model=model).fit(part(rows < 62), evaluate=False)
        for n in range(62, 84):
            updated.update(part((rows == n) | (rows == n - 1)))
            updated.update(part((rows == n) & (panel["unique_id"] == "b")))
        assert np.isfinite(updated.panel_.values).all()
        fitted = Forecaster(3, model=model).fit(panel, evaluate=False)
        column = fitted.model_name_
        assert updated.predict()[column] == pytest.approx(fitted.predict()[column], rel=1e-6)

    def test_peaks_that_come_again_keep_their_season(self):
        """A job that runs once a day, for five minutes."""
        m = 288
        y = 20 * np.exp(np.random.default_rng(0).normal(0, 0.1, 10 * m))
        y[m // 2 :: m] *= 15
        minutes = np.datetime64("2024-01-01T00:00") + 5 * np.arange(len(y)) * np.timedelta64(1, "m")
        fitted = Forecaster(m, model="seasonal-naive").fit({"ds": minutes, "y": y}, evaluate=False)
        assert fitted.season_length_ == m
        assert fitted.predict()["SeasonalNaive"].argmax() == m // 2

    def test_files_and_predict_with_rows_skip_them_too(self, tmp_path):
        table = self.table()
        fitted = Forecaster(6, model="dot").fit(table, evaluate=False)
        fitted.save(tmp_path / "a.gatecast")
        expected = fitted.predict()["DynamicOptimizedTheta"].tobytes()
        for forecaster, source in ((load(tmp_path / "a.gatecast"), None), (fitted, table)):
            assert forecaster.predict(source)["DynamicOptimizedTheta"].tobytes() == expected

    def test_cross_validation_has_the_values_as_they_are(self):
        table = self.table(at=66)
        scored = Forecaster(6, model="naive").cross_validation(table, n_windows=1)
        assert scored["y"].max() == 12_000

    def test_newer_rows_are_judged_as_anomalies_all_the_same(self):
        table = self.table()
        forecaster = Forecaster(6, model="dot").fit({name: column[:39] for name, column in table.items()})
        judged = forecaster.anomalies({name: column[39:] for name, column in table.items()})
        assert judged["y"][judged["is_anomaly"]].tolist() == [12_000]

    def test_are_anomalies_of_the_past_too(self):
        judged = Forecaster(6, model="dot").fit(self.table()).anomalies()
        assert judged["y"][judged["is_anomaly"]].tolist() == [12_000]

    def test_a_stream_begins_without_them(self):
        fitted = Forecaster(6, model="dot").fit(self.table())
        for stream in (fitted.stream(), fitted.stream(self.table())):
            assert stream.predict()["DynamicOptimizedTheta"] == pytest.approx(fitted.predict()["DynamicOptimizedTheta"])

    def test_newest_one_is_read_with_keep_last(self):
        kept = Forecaster(6, model="naive", data=DataConfig(keep_last=True)).fit(self.table(at=69))
        assert (kept.predict()["Naive"] == 12_000).all()

    @pytest.mark.parametrize("model", ["dot", "pretrained"])
    def test_keep_last_reads_newest_ones_alone(self, model, tmp_path):
        """Not those within the same series, nor those of others."""
        newest, within = self.table(at=69)["y"], self.table(at=40)["y"]
        newest[30] = 1_500.0
        table = {
            "unique_id": np.repeat(["a", "b"], 70),
            "ds": np.tile(self.table()["ds"], 2),
            "y": np.r_[newest, within],
        }
        emptied = table | {"y": table["y"].copy()}
        emptied["y"][[30, 70 + 40]] = np.nan
        settings = {"model": model, "data": DataConfig(keep_last=True)}
        kept, expected = (Forecaster(6, **settings).fit(each, evaluate=False) for each in (table, emptied))
        kept.save(tmp_path / "a.gatecast")
        forecasts = [each.predict()[kept.model_name_] for each in (expected, kept, load(tmp_path / "a.gatecast"))]
        forecasts.append(kept.predict(table)[kept.model_name_])
        assert len({forecast.tobytes() for forecast in forecasts}) == 1
        (note,) = [note for note in kept.data_notes_ if "treated as missing" in note]
        assert note.startswith("series 'a': 1500 at")
        assert "as is another" in note

    def test_many_are_named_by_the_first_and_counted(self):
        table = {"unique_id": np.repeat(["a", "b"], 70), "ds": np.tile(self.table()["ds"], 2)}
        table["y"] = np.concatenate([self.table()["y"], self.table(5_000.0, 50)["y"]])
        (note,) = [n for n in Forecaster(6, model="naive").fit(table).data_notes_ if "times as large" in n]
        assert note.startswith(
            "series 'a': 12000 at 2003-05-01 is more than 10 times as large as every value before it, "
        )
        assert "as is another: treated as missing" in note


def test_check_series_column_named_like_a_forecast_raises(panel_table):
    table = {"unique_id": panel_table["unique_id"], "ds": panel_table["ds"], "Ensemble": panel_table["y"]}
    with pytest.raises(ConfigError, match="Ensemble"):
        Forecaster(4, **QUICK).fit(table)


@pytest.mark.slow
def test_trim_unobserved_drops_rows_without_a_value_at_both_ends(fitted_series, sales):
    padded = np.concatenate([np.full(3, np.nan), sales, np.full(5, np.nan)])
    forecaster = Forecaster(12, **QUICK).fit(monthly(padded))
    first, last = forecaster.data_notes_[-2:]
    assert "first 3 rows" in first
    assert "last 5 rows" in last
    forecast = forecaster.predict()
    assert forecast["Ensemble"].tobytes() == fitted_series.predict()["Ensemble"].tobytes()
    assert forecast["ds"][0].astype("M8[M]") == np.datetime64("2011-04", "M")


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (DataConfig(lower_bound=2), ["lower", "(3)", "got 1 ", "2", "2 or more"]),
        (DataConfig(upper_bound=8), ["upper", "(5)", "got 9 ", "1", "8 or less"]),
        (DataConfig(integer=True), ["(2)", "got 2.5 ", "1", "integer"]),
    ],
)
def test_check_bounds_value_outside_raises(data, facts):
    y = np.full(40, 4.0)
    y[[1, 2, 3, 4]] = 2.5, 1, 1, 9
    with pytest.raises(DataError) as caught:
        Forecaster(4, data=data).fit({"ds": np.arange(1, 41), "y": y})
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize("y", [[math.nan, 1.0], [1.0, math.nan], [math.nan, math.nan, 1.0, math.nan]])
def test_check_series_one_value_is_refused(y):
    with pytest.raises(DataError, match=r"(?i)too few values \(column .y.\): got one value"):
        Forecaster(h=1).fit({"ds": range(len(y)), "y": y})


def test_check_series_panel_without_two_values_of_a_series_is_refused():
    table = {"unique_id": ["a", "a", "b", "b"], "ds": [1, 2, 1, 2], "y": [1.0, math.nan, math.nan, 2.0]}
    with pytest.raises(DataError, match="got no series with two values"):
        Forecaster(h=1).fit(table)


def padded_shops(n_future=6, n_past=30):
    """Two shops with rows for steps ahead, without a target."""
    steps = np.arange(n_past + n_future)
    past = np.where(steps < n_past, np.sin(steps), np.nan)
    return {
        "t": np.tile(steps, 2),
        "shop": np.repeat(np.array(["a", "b"], object), len(steps)),
        "y": np.concatenate([past, past + 5]),
        "price": np.tile(np.cos(steps), 2),
    }


def test_trim_unobserved_of_a_panel_drops_the_rows_after_the_last_value_of_all():
    panel, _ = read(padded_shops(), target_col="y", futr_exog="price")
    notes = []
    trimmed = trim_unobserved(panel, notes)
    assert trimmed.lengths.tolist() == [30, 30]
    assert trimmed.future_times(1).ravel().tolist() == [30, 30]
    np.testing.assert_allclose(trimmed.known_future["price"], np.tile(np.cos(np.arange(30, 36)), (2, 1)))
    assert notes == [
        "no series has a value after 29: 12 rows are left out.",
        "their column 'price' is known for 6 steps ahead.",
    ]
    assert trimmed.drop_last(1).known_future == {}
    assert trimmed.keep_last(5).take([1]).known_future["price"].shape == (1, 6)


def test_trim_unobserved_of_a_panel_keeps_gaps_at_the_end_of_single_series():
    table = padded_shops()
    table["y"][20:30] = np.nan
    panel, _ = read(table, target_col="y", futr_exog="price")
    trimmed = trim_unobserved(panel, [])
    assert trimmed.lengths.tolist() == [30, 30]
    assert np.isnan(trimmed.series(0)[20:]).all()


def test_trim_unobserved_of_series_that_end_apart_knows_no_future():
    rows = {name: column[:-3] for name, column in padded_shops().items()}
    panel, _ = read(rows, target_col="y", futr_exog="price")
    notes = []
    trimmed = trim_unobserved(panel, notes)
    assert trimmed.lengths.tolist() == [30, 30]
    assert trimmed.known_future == {}
    assert notes == ["no series has a value after 29: 9 rows are left out."]


def test_trim_unobserved_without_rows_to_drop_returns_the_panel():
    panel, _ = read({name: column for name, column in padded_shops(0).items() if name != "price"})
    notes = []
    assert trim_unobserved(panel, notes) is panel
    assert notes == []


@pytest.mark.slow
def test_forecaster_known_future_equals_the_same_table_also_after_load(tmp_path):
    rows = padded_shops()
    settings = {"model": "dot", "target_col": "y", "futr_exog": "price", "season_length": 1}
    fitted = Forecaster(**settings).fit(rows)
    assert fitted.h_ == 6
    future = {name: column[np.isnan(rows["y"])] for name, column in rows.items() if name != "y"}
    expected = fitted.predict(futr_df=future)
    fitted.save(tmp_path / "m.gatecast")
    for table in (fitted.predict(), fitted.predict(rows), load(tmp_path / "m.gatecast").predict()):
        np.testing.assert_array_equal(table["DynamicOptimizedTheta"], expected["DynamicOptimizedTheta"])
    assert np.isfinite(fitted.evaluation_.scores[0].mae)
    with pytest.raises(ConfigError, match=r"got rows for 6 steps.*Pass futr_df, or forecast fewer steps"):
        fitted.predict(h=7)


def test_forecaster_known_future_with_a_missing_number_raises():
    rows = padded_shops()
    rows["price"][33] = np.nan
    fitted = Forecaster(3, model="naive", target_col="y", futr_exog="price", season_length=1).fit(rows)
    with pytest.raises(ConfigError, match="no value of 'price' in some of them"):
        fitted.predict(h=6)


@pytest.mark.parametrize("kind", ["numbers", "truth values", "words"])
def test_check_series_notes_holes_of_exogenous_columns(kind):
    promo = {"numbers": ["1", "0"], "truth values": ["yes", "no"], "words": ["fair", "ball"]}[kind] * 15
    promo[3] = promo[8] = ""
    y = [float(k % 4) for k in range(30)]
    y[8] = None
    panel, _ = read({"ds": list(range(30)), "y": y, "promo": promo}, target_col="y", futr_exog="promo")
    notes = []
    check_series(panel, notes)
    substitute = {"numbers": "its mean takes their place", "truth values": "they count as neither"}.get(kind)
    text = f"column 'promo' has no value at 1 of 29 times at which the target has one: {substitute}."
    assert notes == ([text] if substitute else [])


def test_known_future_with_a_missing_truth_value_raises():
    promo = [k % 3 == 0 for k in range(32)]
    rows = {"ds": list(range(32)), "y": [float(k % 4) for k in range(30)] + [None] * 2, "promo": [*promo[:31], None]}
    fitted = Forecaster(2, model="naive", target_col="y", futr_exog="promo").fit(rows, evaluate=False)
    with pytest.raises(ConfigError, match="no value of 'promo' in some of them"):
        fitted.predict()


def test_drop_unlike_last_incomplete_month_is_missing_and_said_unless_it_is_kept():
    k = np.arange(60)
    y = 200 * np.exp(0.01 * k) * (1 + 0.2 * np.sin(k * np.pi / 6))
    y *= np.exp(np.random.default_rng(0).normal(0, 0.01, 60))
    y[-1] /= 2
    forecaster = Forecaster(3, model="seasonal-naive").fit(monthly(y), evaluate=False)
    assert any("is unlike all before" in note for note in forecaster.data_notes_)
    assert np.isnan(forecaster.panel_.values[-1])
    kept = Forecaster(3, model="seasonal-naive", data=DataConfig(keep_last=True)).fit(monthly(y), evaluate=False)
    assert not any("unlike" in note for note in kept.data_notes_)
    assert kept.predict()["ds"].tolist() == forecaster.predict()["ds"].tolist()


def test_missing_codes_setting_reaches_the_reader():
    y = 100 + np.random.default_rng(0).normal(0, 2, 60)
    y[[5, 20, 40]] = -999
    table = monthly(y)
    for codes, n_missing in (("auto", 3), (False, 0), (-999, 3)):
        fitted = Forecaster(3, model="naive", data=DataConfig(missing_codes=codes, keep_last=True)).fit(
            table, evaluate=False
        )
        assert np.isnan(fitted.panel_.values).sum() == n_missing
    with pytest.raises(ConfigError, match="Invalid missing_codes"):
        DataConfig(missing_codes="all")


@pytest.mark.parametrize(
    ("lengths", "sentence"),
    [
        ([40, 40, 40], ""),
        ([40, 40, 35], ""),
        ([40, 40, 34], "series 'c' ends at 34, 6 steps or more before others: its forecast begins there."),
        (
            [40, 20, 34],
            "series 'b', 'c' end 6 steps or more before others, the first of them at 20: their forecasts begin there.",
        ),
    ],
)
def test_series_that_are_forecast_into_their_own_past_are_noted(lengths, sentence):
    ids = np.repeat(np.array(["a", "b", "c"], object), lengths)
    times = np.concatenate([np.arange(1, n + 1) for n in lengths])
    table = {"unique_id": ids, "ds": times, "y": np.arange(float(len(ids)))}
    forecaster = Forecaster(6, model="naive").fit(table, evaluate=False)
    assert [note for note in forecaster.findings_ if "before others" in note] == [sentence][: bool(sentence)]
    if sentence:
        forecaster.predict(table)
        assert sentence in forecaster.findings_


@pytest.mark.parametrize(
    ("empty", "names", "sentences"),
    [
        ((1, 0), (), ["the first row has no value and is left out."]),
        ((3, 0), (), ["the first 3 rows have no value and are left out."]),
        (
            (0, 1),
            ("price", "promo"),
            [
                "the last row has no value and is left out.",
                "their columns 'price', 'promo' are known for 1 step ahead.",
            ],
        ),
        (
            (0, 2),
            ("price",),
            ["the last 2 rows have no value and are left out.", "their column 'price' is known for 2 steps ahead."],
        ),
    ],
)
def test_notes_on_rows_without_values_agree_with_their_number(empty, names, sentences):
    y = np.arange(30.0)
    y[: empty[0]], y[len(y) - empty[1] :] = np.nan, np.nan
    table = {"ds": np.arange(30), "y": y} | {name: np.arange(30.0) % 7 for name in names}
    findings = Forecaster(1, model="naive", target_col="y", futr_exog=names).fit(table, evaluate=False).findings_
    assert [note for note in findings if "left out" in note or "ahead" in note] == sentences


def test_a_series_without_values_begins_its_forecast_nowhere():
    lengths = [40, 20, 10]
    y = np.where(np.repeat([False, False, True], lengths), np.nan, 1.0 + np.arange(70) % 3)
    ids, times = np.repeat(["a", "b", "c"], lengths), np.concatenate([np.arange(n) for n in lengths])
    findings = Forecaster(6, model="naive").fit({"unique_id": ids, "ds": times, "y": y}, evaluate=False).findings_
    ended = [note for note in findings if "before others" in note]
    assert ended == ["series 'b' ends at 19, 6 steps or more before others: its forecast begins there."]
    assert "series 'c' has no value: there is no forecast of it." in findings


@pytest.mark.parametrize(
    ("values", "sentences"),
    [
        ([[5.0] * 12, [*range(12)]], {"series 'a' does not vary: its forecast is the constant."}),
        ([[5.0] * 12, [7.0] * 12], {"series 'a', 'b' do not vary: their forecasts are the constants."}),
        (
            [[5.0] * 12, [np.nan, *[7.0] * 11]],
            {
                "series 'a' does not vary: its forecast is the constant.",
                "series 'b' does not vary, but has fewer than 12 values: its forecast may differ from the constant.",
            },
        ),
        (
            [[5.0] * 9, [7.0] * 9],
            {
                "series 'a', 'b' do not vary, but have fewer than 12 values: their forecasts may differ from the "
                "constants."
            },
        ),
        ([[np.nan] * 9, [*range(9)]], {"series 'a' has no value: there is no forecast of it."}),
    ],
)
def test_notes_on_series_agree_with_their_number(values, sentences):
    n = len(values[0])
    table = {"unique_id": np.repeat(["a", "b"], n), "ds": np.tile(np.arange(n), 2), "y": np.concatenate(values)}
    findings = Forecaster(2, model="naive").fit(table, evaluate=False).findings_
    assert sentences <= set(findings)
