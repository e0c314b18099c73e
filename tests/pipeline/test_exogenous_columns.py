"""Exogenous columns from table to forecast: empty cells, many categories, values unlike those of the past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from onnx_runs import assert_close, run, session_of

import gatecast as gc
from gatecast._utils import safefile
from gatecast._utils.schema import SchemaError
from gatecast.config import DataConfig, TrainingConfig
from gatecast.data.categories import FIRST_MAX_CATEGORIES, MAX_CATEGORIES
from gatecast.data.hierarchy import add_totals
from gatecast.data.reader import read
from gatecast.errors import FormatError
from gatecast.explain.gates import inspect_network
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.data_checks import note_outside
from gatecast.pipeline.file_schema import check_forecaster

N, H = 280, 14
DAYS = pd.date_range("2023-01-01", periods=N + H)
QUICK = TrainingConfig(n_members=1, max_steps=20)


def promotions(empty, names=("sale",)):
    """Values that every named day raises by 20, the future included; other days have `empty` cells."""
    rng = np.random.default_rng(1)
    is_named = rng.random(N + H) < 0.2
    column = np.array(names, object)[rng.integers(0, len(names), N + H)]
    y = 100 + 20 * is_named + rng.normal(0, 0.1, N + H)
    return pd.DataFrame({"ds": DAYS, "y": y, "event": np.where(is_named, column, empty)}), is_named[N:]


def errors(forecaster, table):
    """Errors of the forecast of the last H rows."""
    forecast = forecaster.predict(futr_df=table[N:].drop(columns="y"))
    return np.abs(forecast[forecaster.model_name_].to_numpy() - table["y"].to_numpy()[N:])


@pytest.mark.parametrize("names", [("sale",), ("sale", "fair")])
@pytest.mark.parametrize("empty", ["", None, "none", "NA", "no"])
@pytest.mark.parametrize("model", ["dot", "pretrained"])
def test_the_effect_of_a_category_is_found_however_its_absence_is_written(model, empty, names):
    table, is_named = promotions(empty, names)
    found = errors(gc.Forecaster(H, model=model, futr_exog="event").fit(table[:N], evaluate=False), table)
    assert found[is_named].mean() < 0.5
    assert found[~is_named].mean() < 0.5


@pytest.mark.parametrize("model", ["lstm", "segrnn", "dot"])
def test_a_shorter_forecast_is_that_with_the_last_known_value_behind_it(model):
    table, _ = promotions(0.0, (1.0,))
    table["event"] = table["event"].astype(float)
    forecaster = gc.Forecaster(H, model=model, futr_exog="event", training=QUICK).fit(table[:N], evaluate=False)
    plan = table[N:].drop(columns="y")
    repeated = plan.assign(event=np.where(np.arange(H) < 3, plan["event"], plan["event"].iloc[2]))
    for h in (3, H, 2 * H):
        known = pd.concat([repeated, plan.assign(ds=plan["ds"] + pd.Timedelta(days=H))]).head(h)
        forecast = forecaster.predict(h=h, futr_df=known)[forecaster.model_name_]
        expected = forecaster.predict(futr_df=repeated)[forecaster.model_name_]
        assert forecast[:3].to_numpy() == pytest.approx(expected[:3].to_numpy(), rel=1e-12)


@pytest.mark.parametrize("model", ["lstm", "segrnn"])
def test_a_shorter_forecast_with_holidays_is_the_begin_of_a_longer_one(model):
    table, _ = promotions(0.0)
    table = table[: N - 13].drop(columns="event")
    config = DataConfig(holidays="DE")
    forecaster = gc.Forecaster(H, model=model, data=config, training=QUICK).fit(table, evaluate=False)
    # Up to 24 September: German Unity Day is the ninth step.
    longer = forecaster.predict(table)[forecaster.model_name_]
    shorter = forecaster.predict(table, h=5)[forecaster.model_name_]
    assert shorter.tolist() == longer[:5].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "is_read"),
    [
        (["lstm"], True),
        (["dot", "gru"], True),
        (["dot"], False),
        (["pretrained", "naive"], False),
        (["es-lstm"], False),
        (["segrnn"], False),
        ([gc.Sequential([gc.layers.LSTM(4), gc.layers.Dense(2)])], False),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, list) and isinstance(value[0], str) else None,
)
def test_a_note_names_historic_and_static_columns_exactly_where_they_change_no_forecast(model, is_read):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 60), "ds": np.tile(DAYS[:60], 2)})
    table = table.assign(y=10 + rng.random(120), visits=rng.random(120), size=np.repeat([1.0, 2.0], 60))
    settings = {"model": model, "hist_exog": "visits", "stat_exog": "size", "training": QUICK}
    first, second = (
        gc.Forecaster(2, **settings).fit(other, evaluate=False)
        for other in (table, table.assign(visits=rng.random(120), size=3 - table["size"]))
    )
    same = first.predict()[first.model_name_].equals(second.predict()[second.model_name_])
    noted = [note for note in first.findings_ if note.startswith("no model here reads columns 'visits', 'size': ")]
    assert (same, len(noted)) == (not is_read, not is_read)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["futr_exog", "hist_exog"])
def test_networks_read_empty_cells_as_0(role):
    table, _ = promotions("")
    forecaster = gc.Forecaster(H, model="lstm", **{role: "event"}, training=QUICK).fit(table[:N], evaluate=False)
    future = table[N:][["ds", "event"]] if role == "futr_exog" else None
    panel, context = forecaster._session.context(None, future)
    indicators = getattr(context, role)[0, :, 0]
    np.testing.assert_array_equal(indicators, (table["event"] == "sale")[: len(indicators)])
    gates = inspect_network(forecaster.state_, panel, context, 0, 0, "dict")
    assert gates.unit_memory.sentence


@pytest.mark.slow
def test_saved_and_exported_files_forecast_alike_where_cells_are_empty(tmp_path):
    table, _ = promotions("", ("sale", "fair"))
    forecaster = gc.Forecaster(H, model="lstm", futr_exog="event", training=QUICK).fit(table[:N], evaluate=False)
    future = table[N:][["ds", "event"]]
    forecast = forecaster.predict(futr_df=future)
    forecaster.save(tmp_path / "x.gatecast")
    assert gc.load(tmp_path / "x.gatecast").predict(futr_df=future).equals(forecast)
    forecaster.to_onnx(tmp_path / "x.onnx")
    context = forecaster._session.context(None, future)[1]
    outputs = run(session_of(tmp_path / "x.onnx"), values=context.values, futr_exog=context.futr_exog)
    assert_close(outputs["LSTM"], forecast["LSTM"].to_numpy()[None])


@pytest.mark.slow
def test_permutation_importance_counts_a_column_with_empty_cells():
    table, _ = promotions("")
    importance = gc.Forecaster(H, model="dot", futr_exog="event").permutation_importance(table, n_windows=2)
    assert importance.table["low"][0] > 100


def test_a_total_has_no_category_and_no_effect_of_one():
    rng = np.random.default_rng(0)
    ids, sale = np.repeat(["a", "b"], N), np.tile(rng.random(N) < 0.3, 2)
    table = {"id": ids, "ds": np.tile(np.arange(N), 2), "y": 50 + 9 * sale + rng.normal(0, 0.1, 2 * N)}
    table["event"] = np.where(sale, "sale", "").astype(object)
    panel, _ = read(table, id_col="id", target_col="y", futr_exog="event")
    context = PanelContext.from_panel(add_totals(panel, ((),), []))
    assert np.isnan(context.futr_exog[0]).all()
    assert np.isfinite(context.futr_exog[1:]).all()


def of_categories(rng, n_categories, n=N):
    """Values with an effect of each of equally frequent categories."""
    effects = rng.permutation(n_categories) - n_categories / 2
    codes = np.concatenate([rng.permutation(np.arange(n) % n_categories), rng.permutation(n_categories)[:H]])
    y = 100 + effects[codes] + rng.normal(0, 0.1, n + H)
    names = np.array([f"c{k:03d}" for k in range(n_categories)], object)
    return pd.DataFrame({"ds": DAYS[: n + H], "y": y, "kind": names[codes]})


@pytest.mark.parametrize("role", ["futr_exog", "hist_exog"])
@pytest.mark.parametrize("n_categories", [21, 40, MAX_CATEGORIES + 9])
def test_files_of_versions_with_fewer_indicators_say_to_fit_again(tmp_path, role, n_categories):
    names = np.array([f"a{k:03d}" for k in range(n_categories)], object)
    table = pd.DataFrame({"ds": DAYS, "y": np.arange(N + H) % 7 + 50.0, "event": np.resize(names, N + H)})
    path, forecaster = tmp_path / "x.gatecast", gc.Forecaster(H, model="dot", **{role: "event"})
    forecaster.fit(table[:N], evaluate=False).save(path)
    settings, arrays = safefile.read(path, "forecaster")
    narrow = {f"regression.{role}": arrays[f"regression.{role}"][:, :FIRST_MAX_CATEGORIES]}
    safefile.write(path, "forecaster", settings, arrays | narrow)
    text = rf"column 'event' has {n_categories} categories, .* read 20 .*\. Fit again on the table with this version"
    with pytest.raises(FormatError, match=text):
        gc.load(path)
    forecaster.fit(table[:N], evaluate=False).save(path)
    assert len(gc.load(path).predict(futr_df=table[N:] if role == "futr_exog" else None)) == H
    # Others are altered.
    narrow = {f"regression.{role}": arrays[f"regression.{role}"][:, :19]}
    safefile.write(path, "forecaster", settings, arrays | narrow)
    with pytest.raises(FormatError, match="expected float64 of shape"):
        gc.load(path)


@pytest.mark.parametrize("n_categories", [21, 40, MAX_CATEGORIES])
def test_each_of_many_categories_has_its_effect(rng, n_categories):
    table = of_categories(rng, n_categories)
    forecaster = gc.Forecaster(H, model="dot", futr_exog="kind").fit(table[:N], evaluate=False)
    assert errors(forecaster, table).max() < 1
    assert not any("categories" in note for note in forecaster.findings_)


@pytest.mark.parametrize("role", ["futr_exog", "hist_exog", "stat_exog"])
def test_categories_without_an_indicator_are_counted_in_a_note(role):
    n = MAX_CATEGORIES + 4
    kinds = np.array([f"c{k:03d}" for k in range(n)], object)
    table = {"id": np.repeat(np.arange(n), 10), "ds": np.tile(np.arange(10), n), "y": np.arange(10.0 * n) % 7}
    table["kind"] = np.repeat(kinds, 10)
    forecaster = gc.Forecaster(2, model="naive", id_col="id", target_col="y", **{role: "kind"})
    notes = [note for note in forecaster.fit(table, evaluate=False).findings_ if "categories" in note]
    unit = "series" if role == "stat_exog" else "rows"
    assert notes == [
        f"column 'kind' has {n} categories: only the {MAX_CATEGORIES} most frequent have an indicator, and the other "
        f"4, in 6% of the {unit}, count as an empty cell. If they matter, group categories that are alike."
    ]


def test_the_most_frequent_categories_have_effects_and_files_keep_which(rng, tmp_path):
    """The frequent ones are last in the alphabet; each rare one occurs once."""
    rare = np.array([f"a{k:03d}" for k in range(MAX_CATEGORIES + 5)], object)
    names = rng.permutation(np.concatenate([rare, np.array(["x", "y", "z"], object)[np.arange(N - len(rare)) % 3]]))
    names = np.concatenate([names, np.array(["x", "y", "z"], object)[np.arange(H) % 3]])
    y = 100 + 10 * (names == "x") - 10 * (names == "y") + rng.normal(0, 0.1, N + H)
    table = pd.DataFrame({"ds": DAYS, "y": y, "kind": names})
    forecaster = gc.Forecaster(H, model="dot", futr_exog="kind").fit(table[:N])
    assert errors(forecaster, table).max() < 1
    forecaster.save(tmp_path / "x.gatecast")
    loaded, future = gc.load(tmp_path / "x.gatecast"), table[N:].drop(columns="y")
    expected = forecaster.predict(futr_df=future)
    assert loaded.predict(futr_df=future).equals(expected)
    # Rows of other frequencies do not change which categories have indicators.
    assert loaded.predict(table[:N], futr_df=future).equals(expected)


@pytest.mark.parametrize("n", [30, 50, 60])
def test_a_column_of_texts_that_never_recur_takes_no_effect_from_others(rng, n):
    promo = (np.arange(n + H) % 3 == 0) * 1.0
    table = pd.DataFrame({"ds": DAYS[: n + H], "y": 100 + 20 * promo + rng.normal(0, 1, n + H), "promo": promo})
    table["note"] = [f"text {k}" for k in range(n)] + [""] * H
    forecast = {}
    for columns in (["promo"], ["promo", "note"]):
        forecaster = gc.Forecaster(H, model="dot", futr_exog=columns).fit(table[:n], evaluate=False)
        forecast[len(columns)] = forecaster.predict(futr_df=table[n:].drop(columns="y"))[
            forecaster.model_name_
        ].to_numpy()
    np.testing.assert_allclose(forecast[2], forecast[1], rtol=0.05)


class TestValuesOutsideThePast:
    @pytest.fixture
    def past(self):
        n = 60
        columns = {"promo": np.arange(n) % 2 * 1.0, "price": 10 + np.arange(n) % 4 * 1.0, "step": np.arange(n) * 1.0}
        table = {"ds": np.tile(np.arange(n), 2), "id": np.repeat(["a", "b"], n), "y": np.ones(2 * n)}
        table |= {name: np.tile(column, 2) for name, column in columns.items()}
        # One price of series b alone never varied.
        table["price"] = np.where((table["id"] == "b"), 12.0, table["price"])
        return read(table, id_col="id", target_col="y", futr_exog=list(columns))[0]

    def notes(self, past, **columns):
        notes = []
        future = {name: np.zeros((2, 4)) + values for name, values in columns.items()}
        note_outside(past, future, notes)
        return notes

    def test_values_like_those_of_the_past_are_not_named(self, past):
        assert self.notes(past, promo=[0, 1, 1, 0], price=[9, 13, 14, 15], step=[60, 61, 62, 63]) == []

    def test_a_value_is_named_with_its_column_time_and_past(self, past):
        assert self.notes(past, promo=[[0, 0, 0, 0], [1, 1, 5, 3]]) == [
            "column 'promo' is 5 at 62 in series 'b', far outside its past values, 0 to 1: correct it if it is wrong, "
            "since its effect is extrapolated (such values in total: 2)."
        ]
        (note,) = self.notes(past, price=[[10, 10020, 10, 10], [12, 12, 12, 12]])
        assert "column 'price' is 10020 at 61 in series 'a', far outside its past values, 10 to 13:" in note
        (note,) = self.notes(past, price=[[10, 10, 10, 10], [12, 12, 12, 1]])
        assert "column 'price' is 1 at 63 in series 'b', far outside its past values, 12 to 12:" in note

    @pytest.mark.slow
    @pytest.mark.parametrize("model", ["lstm", "pretrained"])
    @pytest.mark.parametrize(("off", "on"), [(0.0, 1.0), (False, True)])
    def test_a_column_that_never_varied_has_no_effect_and_a_note_says_so(self, tmp_path, model, off, on):
        table = promotions("")[0].assign(event=off)
        forecaster = gc.Forecaster(H, model=model, futr_exog="event", training=QUICK).fit(table[:N], evaluate=False)
        same, other = table[N:].drop(columns="y"), table[N:].drop(columns="y").assign(event=[on, *[off] * (H - 1)])
        forecast = forecaster.predict(futr_df=same)
        assert not any("event" in note for note in forecaster.findings_)
        assert forecaster.predict(futr_df=other).equals(forecast)
        assert forecaster.findings_[-1] == (
            "column 'event' is 1 at 2023-10-08, but 0 at all times before: nothing is known of its effect, and the "
            "forecast has none (such values in total: 1)."
        )
        forecaster.to_onnx(tmp_path / "x.onnx")
        context = forecaster._session.context(None, other)[1]
        outputs = run(session_of(tmp_path / "x.onnx"), values=context.values, futr_exog=context.futr_exog)
        assert_close(outputs[forecaster.model_name_], forecast[forecaster.model_name_].to_numpy()[None])

    @pytest.mark.parametrize("source", [None, "rows"])
    def test_predict_notes_it_in_its_findings(self, source):
        table, is_named = promotions("no")
        table["event"] = np.where(table["event"] == "sale", 1.0, 0.0)
        forecaster = gc.Forecaster(H, model="dot", futr_exog="event").fit(table[:N], evaluate=False)
        future = table[N:].drop(columns="y")
        rows = None if source is None else table[:N]
        forecaster.predict(rows, futr_df=future)
        assert not any("outside" in note for note in forecaster.findings_)
        forecaster.predict(rows, futr_df=future.assign(event=is_named * 5.0))
        (note,) = [note for note in forecaster.findings_ if "outside" in note]
        assert "column 'event' is 5 at 2023-" in note
        assert note.endswith(f"(such values in total: {int(is_named.sum())}).")


@pytest.fixture(scope="module")
def unlike_tables():
    """Series a goes up by 20 where the column is 1, series b down by 10; past and future."""
    rng = np.random.default_rng(0)
    x = (rng.random(N + H) < 0.3) * 1.0
    parts = [
        pd.DataFrame({"id": name, "ds": DAYS, "x": x, "y": level + effect * x + rng.normal(0, 0.5, N + H)})
        for name, level, effect in (("a", 100, 20), ("b", 50, -10))
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.groupby("id").head(N), rows.groupby("id").tail(H)


class TestSeriesWithUnlikeEffects:
    def fitted(self, past, model="dot", **settings):
        forecaster = gc.Forecaster(H, model=model, id_col="id", target_col="y", futr_exog="x", **settings)
        return forecaster.fit(past, evaluate=False)

    @pytest.mark.parametrize("model", ["dot", "pretrained"])
    def test_each_is_forecast_as_if_alone_and_a_note_says_so(self, unlike_tables, model):
        past, ahead = unlike_tables
        forecaster = self.fitted(past, model)
        forecast = forecaster.predict(futr_df=ahead.drop(columns="y"))
        errors = np.abs(forecast[forecaster.model_name_].to_numpy() - ahead["y"].to_numpy())
        assert errors.reshape(2, H).mean(axis=1).max() < 0.7
        note = "the effect of 'x' differs between series: each series has its own, drawn towards that of all."
        assert note in forecaster.findings_

    def test_files_parts_and_updates_keep_the_effects_of_each_series(self, unlike_tables, tmp_path):
        past, ahead = unlike_tables
        forecaster, future = self.fitted(past), ahead.drop(columns="y")
        forecast = forecaster.predict(futr_df=future)
        forecaster.save(tmp_path / "x.gatecast")
        loaded = gc.load(tmp_path / "x.gatecast")
        assert loaded.predict(futr_df=future).equals(forecast)
        is_b = past["id"] == "b"
        alone = loaded.predict(past[is_b], futr_df=future[future["id"] == "b"])
        column = forecaster.model_name_
        np.testing.assert_allclose(alone[column], forecast[column][forecast["id"] == "b"], rtol=1e-9)
        # A new series that comes first moves the others.
        first = past[is_b].assign(id="0")
        loaded.update(pd.concat([first, past]))
        assert loaded.panel_.ids.tolist() == ["a", "b", "0"] or loaded.panel_.ids.tolist() == ["0", "a", "b"]
        again = loaded.predict(futr_df=pd.concat([future, future[future["id"] == "b"].assign(id="0")]))
        for name in ("a", "b"):
            updated, before = (table[column][table["id"] == name].to_numpy() for table in (again, forecast))
            np.testing.assert_allclose(updated, before, rtol=0.02)

    @pytest.mark.slow
    @pytest.mark.parametrize("model", ["lstm", "es-lstm"])
    def test_files_of_onnx_and_explanations_have_them(self, unlike_tables, tmp_path, model):
        past, ahead = unlike_tables
        forecaster, future = self.fitted(past, model, training=QUICK), ahead.drop(columns="y")
        forecast = forecaster.predict(futr_df=future)
        forecaster.to_onnx(tmp_path / "x.onnx")
        session, context = session_of(tmp_path / "x.onnx"), forecaster._session.context(None, future)[1]
        inputs = {port.name: getattr(context, port.name) for port in session.get_inputs() if port.name != "last_date"}
        if any(port.name == "last_date" for port in session.get_inputs()):
            inputs["last_date"] = context.calendar.last.astype("M8[D]").astype(np.int64)
        outputs = run(session, **inputs)
        assert_close(outputs[forecaster.model_name_], forecast[forecaster.model_name_].to_numpy().reshape(2, H))
        if model == "lstm":
            step = int(np.flatnonzero(ahead["x"].to_numpy()[:H])[0]) + 1
            signs = []
            for name in ("a", "b"):
                table = forecaster.explain(id=name, step=step, futr_df=future).table
                signs.append(np.sign(table["attribution"][table["role"] == "effect"].sum()))
            assert signs == [1, -1]

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            (lambda own: own[:1], "expected float64 of shape"),
            (lambda own: own[:, :0], "expected float64 of shape"),
            (lambda own: own * np.nan, "not finite"),
            (lambda own: own + 1e6, "slopes beyond 100"),
        ],
    )
    def test_files_with_other_slopes_than_those_of_the_series_are_refused(self, unlike_tables, tmp_path, change, text):
        self.fitted(unlike_tables[0]).save(tmp_path / "x.gatecast")
        settings, arrays = safefile.read(tmp_path / "x.gatecast", "forecaster")
        check_forecaster(settings, arrays)
        own = arrays["regression.slope_deviations"]
        with pytest.raises(SchemaError, match=text):
            check_forecaster(settings, arrays | {"regression.slope_deviations": change(own)})
