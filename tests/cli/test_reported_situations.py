"""Situations that people report about forecasting tools: made-up files, from the command line to the document."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest

from gatecast.cli.main import main

pytestmark = pytest.mark.slow

QUICK = ("--model", "lstm", "--units", "4", "--n-layers", "1", "--n-members", "1", "--max-steps", "5")
"""Options of a fit that takes no time: what is read does not depend on the model."""
DOT = ("--model", "dot")
"""A model that takes no time and whose values are asserted."""
RNG_SEED = 0


class Document:
    """What `gatecast forecast --json` wrote."""

    def __init__(self, text: str) -> None:
        self.content = json.loads(text)
        self.refusal = self.content.get("error", {}).get("message", "")
        self.data = self.content.get("data", {})

    @property
    def times(self) -> list[str]:
        names = [self.data.get("time_col"), "time", "ds"]
        return [str(next(row[name] for name in names if name in row)) for row in self.content["forecast"]]

    def values(self, suffix: str = "") -> np.ndarray:
        """Forecasts, or an end of their interval ("-hi-95")."""
        name = self.content["model"]["name"] + suffix
        return np.array([row[name] for row in self.content["forecast"]], float)

    def says(self, *words: str) -> bool:
        """Whether a finding or the refusal has one of these words."""
        text = " ".join([*self.data.get("findings", []), self.refusal]).lower()
        return any(word.lower() in text for word in words)

    def check(self, *, freq=None, season=None, series=None, first=None, missing=None) -> None:
        """Assert that the forecast was made, of what was meant."""
        assert not self.refusal
        assert freq is None or self.data["frequency"] in ([freq] if isinstance(freq, str) else freq)
        assert series is None or self.data["series"] == series
        assert missing is None or self.data["missing"] == missing
        seasons = self.data["season"] if isinstance(self.data["season"], list) else [self.data["season"]]
        assert season is None or set(seasons) & ({season} if isinstance(season, int) else set(season))
        assert first is None or self.times[0].startswith(first)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that writes a file and forecasts it: header, rows or text, horizon, options."""
    monkeypatch.chdir(tmp_path)

    def forecast(text, h, *options, model=QUICK):
        (tmp_path / "f.csv").write_text(text if isinstance(text, str) else table(*text), encoding="utf-8")
        main(["forecast", "f.csv", "-h", str(h), *model, *options, "--json"])
        return Document(capsys.readouterr().out)

    return forecast


def table(header, rows, mark=",", **parts):
    """A delimited text; parts above and below."""
    lines = [header, *(mark.join(map(str, row)) for row in rows)]
    return parts.get("above", "") + "\n".join(lines) + "\n" + parts.get("below", "")


def hours(days=30):
    """Times and values of an hourly series with a daily and a weekly season."""
    times = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(24 * days)]
    k = np.arange(len(times))
    y = (
        50
        + 10 * np.sin(k * np.pi / 12)
        + 3 * (k // 24 % 7 < 5)
        + np.random.default_rng(RNG_SEED).normal(0, 0.5, len(k))
    )
    return times, y.round(2)


def months(n=96, first=2015, noise=2.0):
    """Months and values with a trend and a season of twelve."""
    k = np.arange(n)
    y = 100 + 0.5 * k + 12 * np.sin(k * np.pi / 6) + np.random.default_rng(RNG_SEED).normal(0, noise, n)
    return [datetime(first + i // 12, i % 12 + 1, 1) for i in range(n)], y.round(2)


def days(n, first=datetime(2023, 1, 1)):
    """Days and values with a weekly season."""
    times = [first + timedelta(days=k) for k in range(n)]
    y = [20 + 5 * (t.weekday() >= 5) for t in times] + np.random.default_rng(RNG_SEED).normal(0, 1, n)
    return times, y.round(2)


HOUR_TABLES = {
    "date and time columns": (
        "Date;Time;CO",
        lambda t, y: (f"{t:%d/%m/%Y}", f"{t:%H.%M.%S}", str(y).replace(".", ",")),
        ";",
        "2024-01-31T00",
    ),
    "date and hour columns": ("Date,Hour,Load", lambda t, y: (f"{t:%Y-%m-%d}", t.hour, y), ",", "2024-01-31T00"),
    "date and hour from 1": ("Date,Hour,Load", lambda t, y: (f"{t:%Y-%m-%d}", t.hour + 1, y), ",", "2024-01-31T01"),
    "year, month, day, hour": (
        "year,month,day,hour,pm",
        lambda t, y: (t.year, t.month, t.day, t.hour, y),
        ",",
        "2024-01-31",
    ),
    "digits to the hour": ("stamp,y", lambda t, y: (f"{t:%Y%m%d%H}", y), ",", "2024-01-31T00"),
    "digits to the minute": ("stamp,y", lambda t, y: (f"{t:%Y%m%d%H%M}", y), ",", "2024-01-31T00"),
}


@pytest.mark.parametrize("name", HOUR_TABLES)
def test_forecast_of_hours_in_many_notations_is_hourly(name, run):
    header, write, mark, first = HOUR_TABLES[name]
    rows = [write(t, y) for t, y in zip(*hours(), strict=True)]
    run((header, rows, mark), 24).check(freq="h", season=[24, 168], series=1, first=first)


def test_forecast_of_years_and_month_names_is_monthly(run):
    rows = [(t.year, f"{t:%B}", y) for t, y in zip(*months(), strict=True)]
    run(("year,month,passengers", rows), 12).check(freq="MS", season=12, series=1, first="2023-01")


def test_forecast_of_spreadsheet_serials_says_what_they_are(run):
    rows = [((t - datetime(1899, 12, 30)).days, y) for t, y in zip(*days(300), strict=True)]
    document = run(("Date,Sales", rows), 14)
    document.check(freq="D", season=7, first="2023-10-28")
    assert document.says("serial")


def test_forecast_of_quarters_with_the_number_first(run):
    rows = [(f"{i % 4 + 1}-{2012 + i // 4}", round(100 + i + 5 * np.sin(i * np.pi / 2), 2)) for i in range(44)]
    run(("quarter,y", rows), 4).check(freq=["QS", "QS-JAN"], season=4, missing=0, first="2023-01")


def test_forecast_of_four_days_takes_the_order_from_the_time_of_day(run):
    times = [datetime(2024, 3, 1) + timedelta(minutes=15 * k) for k in range(96 * 4)]
    rows = [(f"{t:%d/%m/%Y %H:%M}", round(np.sin(k / 15) + 2, 4)) for k, t in enumerate(times)]
    run(("t,y", rows), 4).check(freq="15min", missing=0, first="2024-03-05T00:00")


def test_forecast_of_the_1st_and_the_15th_continues_with_them(run):
    rows = [(f"{2020 + i // 24}-{i // 2 % 12 + 1:02d}-{1 + 14 * (i % 2):02d}", i % 2 * 10 + 100.0) for i in range(60)]
    document = run(("day,pay", rows), 2)
    document.check(freq="SMS-15")
    assert [time[:10] for time in document.times] == ["2022-07-01", "2022-07-15"]


def test_forecast_of_a_sensor_that_is_late_by_seconds(run):
    rng = np.random.default_rng(3)
    times = [datetime(2024, 5, 1) + timedelta(minutes=5 * k, seconds=int(rng.integers(0, 9))) for k in range(60)]
    rows = [(f"{t:%Y-%m-%d %H:%M:%S}", round(rng.normal(20, 1), 2)) for t in times]
    run(("t,y", rows), 6).check(freq="5min", missing=0)


def test_forecast_over_the_end_of_summer_time_says_that_an_hour_occurs_twice(run):
    times = [datetime(2023, 10, 1) + timedelta(hours=k) for k in range(24 * 45)]
    change = datetime(2023, 10, 29, 3)
    local = [t if t < change else t - timedelta(hours=1) for t in times]
    rows = [(f"{t:%Y-%m-%d %H:%M}", y) for t, y in zip(local, hours(45)[1], strict=True)]
    document = run(("t,mw", rows), 24)
    document.check(freq="h", season=[24, 168], series=1)
    assert document.says("twice")


def test_forecast_of_months_that_are_midnights_in_utc(run):
    rows = [
        (f"{t:%Y-%m}-01T{7 if 4 <= t.month <= 10 else 8:02d}:00:00.000Z", y) for t, y in zip(*months(), strict=True)
    ]
    run(("date,count", rows), 12).check(freq="MS", season=12, missing=0)


def test_forecast_of_dates_with_weekdays_and_of_dollars(run):
    times = [datetime(2010, 2, 5) + timedelta(days=7 * k) for k in range(143)]
    rows = [
        (f'"{t:%A, %d %B %Y}"', f'" ${(100 + 10 * np.sin(k * np.pi / 26)) * 1000:,.2f} "') for k, t in enumerate(times)
    ]
    run(("Date,Sales", rows), 8).check(freq="W-FRI", missing=0)


def test_forecast_of_german_months_and_euros(run):
    names = ("Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
    swap = str.maketrans(",.", ".,")
    rows = [
        (f"{names[t.month - 1]} {t.year}", f"{y * 100:,.2f}".translate(swap) + " EUR")
        for t, y in zip(*months(), strict=True)
    ]
    run(("Monat;Umsatz", rows, ";"), 12).check(freq="MS", season=12, missing=0, first="2023-01")


def test_forecast_of_chinese_dates(run):
    rows = [(f"{t.year}年{t.month}月{t.day}日", y) for t, y in zip(*days(200), strict=True)]
    run(("日期,销量", rows), 14).check(freq="D", season=7, first="2023-07-20")


def test_forecast_of_two_keys_proposes_them_and_takes_them(run):
    times, y = days(120)
    rows = [
        (f"{t:%Y-%m-%d}", s, i, int(v + 5 * s + i))
        for s in (1, 2)
        for i in (1, 2, 3)
        for t, v in zip(times, y, strict=True)
    ]
    document = run(("date,store,item,sales", rows), 7)
    assert document.data.get("series") == 6 or document.says("store,item")
    run(("date,store,item,sales", rows), 7, "--id-col", "store,item", "--target-col", "sales").check(freq="D", series=6)


def test_forecast_of_rows_that_are_series_with_a_column_a_day(run):
    rng = np.random.default_rng(RNG_SEED)
    header = [
        "Province",
        "Country",
        "Lat",
        "Long",
        *(f"{t.month}/{t.day}/{t:%y}" for t in days(60, datetime(2021, 1, 1))[0]),
    ]
    names = ("Chad", "Chile", "China", "Cuba", "Cyprus")
    rows = [("", name, 10.0 + i, 20.0 + i, *np.cumsum(rng.poisson(5, 60))) for i, name in enumerate(names)]
    run((",".join(header), rows), 7).check(freq="D", series=5, first="2021-03-02")


def test_forecast_of_numbered_columns_behind_keys(run):
    rng, k = np.random.default_rng(RNG_SEED), np.arange(200)
    rows = [(f"FOODS_{i}", "FOODS", "CA_1", *rng.poisson(3 + 2 * (k % 7 > 4))) for i in range(4)]
    header = ",".join(["item_id", "dept_id", "store_id", *(f"d_{j + 1}" for j in k)])
    run((header, rows), 7).check(series=4)


def test_forecast_with_a_column_of_zones_is_one_series(run):
    start, change = datetime(2024, 10, 19, 22), datetime(2024, 10, 27, 1)
    rows = []
    for k, y in enumerate(hours(30)[1]):
        utc = start + timedelta(hours=k)
        summer = utc < change
        rows.append((f"{utc + timedelta(hours=1 + summer):%Y-%m-%d %H:%M:%S}", "CEST" if summer else "CET", y))
    run(("time,zone,price", rows), 24).check(freq="h", series=1)


def test_forecast_of_several_number_columns_lists_them_and_takes_some(run):
    times, y = months()
    rows = [(f"{t:%Y-%m}", y[k], y[-k - 1], k) for k, t in enumerate(times)]
    document = run(("month,petrol,diesel,kerosene", rows), 12)
    assert document.refusal
    assert document.says("'*'")
    assert all(document.says(name) for name in ("petrol", "diesel", "kerosene"))
    run(("month,petrol,diesel,kerosene", rows), 12, "--target-col", "petrol,diesel").check(series=2, freq="MS")


def test_forecast_of_a_panel_with_rows_of_the_future_is_of_these(run):
    times, y = months(72, 2018)
    rows = [
        (f"{t:%Y-%m-%d}", s, y[k] + 20 * i if k < 60 else "") for i, s in enumerate("ab") for k, t in enumerate(times)
    ]
    document = run(("month,shop,units", rows), 12)
    document.check(freq="MS", series=2, first="2023-01")
    assert "nan" not in str(document.content["evaluation"]).lower()


def test_forecast_leaves_a_footer_out_and_says_so(run):
    times, y = months(60)
    rows = [(f"{t:%Y-%m}", v) for t, v in zip(times, y, strict=True)]
    document = run(table("Month,Sales", rows, below=f"Total,{y.sum():.2f}\nSource: our own books,\n"), 12)
    document.check(freq="MS", season=12, missing=0)
    assert document.says("below the table")


def test_forecast_skips_padded_titles(run):
    rows = [(f"{t:%m.%Y}", str(y).replace(".", ","), "") for t, y in zip(*months(60), strict=True)]
    text = table("Month;Sales;Note", rows, ";", above="Export of sales;;\nBranch: north;;\n;;\n")
    run(text, 12).check(freq="MS", season=12)


def test_forecast_says_how_less_than_one_is_read(run):
    times = [datetime(2021, 1, 3) + timedelta(days=7 * k) for k in range(150)]
    rows = [
        (f"{t:%Y-%m-%d}", "<1" if k in (3, 77) else round(20 + 15 * np.sin(k * np.pi / 26)))
        for k, t in enumerate(times)
    ]
    document = run(table("Week,shoes: (Worldwide)", rows, above="Category: All\n\n"), 8)
    document.check(freq="W-SUN", missing=0)
    assert document.says("<1")


def test_forecast_names_a_code_for_missing_values(run):
    times, y = months(144)
    y[[5, 30, 31, 70, 100, 130]] = -999
    document = run(("m,y", [(f"{t:%Y-%m}", v) for t, v in zip(times, y, strict=True)]), 12, model=DOT)
    document.check(freq="MS", season=12)
    assert document.says("-999")
    assert document.values("-lo-95").min() > 0


def test_forecast_of_a_shop_that_is_closed_on_sundays_has_none(run):
    times = [t for t in days(500, datetime(2022, 1, 1))[0] if t.weekday() != 6]
    rows = [(f"{t:%Y-%m-%d}", 100 + 60 * (t.weekday() == 5) + k % 3) for k, t in enumerate(times)]
    document = run(("day,sales", rows), 12)
    document.check()
    assert all(datetime.fromisoformat(time).weekday() != 6 for time in document.times)


def test_forecast_of_whole_numbers_as_times_finds_the_season(run):
    run(("t,y", list(enumerate(months()[1], 1))), 12).check(season=12)


def test_forecast_of_values_alone_finds_the_season(run):
    k = np.arange(210)
    y = 50 + 20 * (k % 7 > 4) + np.random.default_rng(RNG_SEED).normal(0, 1, 210)
    run("\n".join(f"{v:.2f}" for v in y) + "\n", 7).check(season=7)


def monthly(y):
    """A table of months."""
    return "m,y", [(f"{2015 + k // 12}-{k % 12 + 1:02d}", v) for k, v in enumerate(y)]


def test_forecast_of_a_season_beside_a_trend_is_close(run):
    k = np.arange(72)
    y = 3.0 * k + 10 * np.sin(k * np.pi / 6) + np.random.default_rng(1).normal(0, 1, 72)
    document = run(monthly(y[:60].round(3)), 12, model=())
    document.check(season=12)
    assert np.abs(document.values() - y[60:]).mean() < 3


def test_forecast_after_a_step_up_stays_there(run):
    document = run(monthly(np.where(np.arange(96) < 60, 5.0, 50.0)), 12, model=())
    document.check()
    assert document.values("-hi-95").max() < 200
    assert np.abs(document.values() - 50).max() < 10


def test_forecast_after_an_incomplete_month_is_not_halved(run):
    k = np.arange(63)
    truth = 200 * np.exp(0.01 * k) * (1 + 0.2 * np.sin(k * np.pi / 6))
    y = truth[:60] * np.exp(np.random.default_rng(RNG_SEED).normal(0, 0.01, 60))
    y[-1] /= 2
    document = run(monthly(y.round(1)), 3, model=DOT)
    document.check(season=12)
    assert document.says("incomplete", "odd", "outlier", "unlike")
    # The incomplete month is forecast too, where it counts as missing.
    assert np.abs(document.values()[-3:] / truth[60:] - 1).max() < 0.15


def test_forecast_of_a_constant_is_the_constant(run):
    document = run(monthly(np.full(60, 1000000000.25)), 12, model=DOT)
    document.check()
    assert np.abs(document.values() - 1000000000.25).max() < 1e-3


def test_forecast_with_one_zero_in_growth_changes_little(run):
    k = np.arange(132)
    truth = 50 * np.exp(0.015 * k) * (1 + 0.25 * np.sin(k * np.pi / 6))
    y = truth[:120] * np.exp(np.random.default_rng(RNG_SEED).normal(0, 0.01, 120))
    y[2] = 0
    document = run(monthly(y.round(2)), 12, model=())
    document.check(season=12)
    assert np.abs(document.values() / truth[120:] - 1).mean() < 0.06


def test_forecast_of_a_long_series_stays_within_two_gigabytes(tmp_path):
    k = np.arange(120_000)
    y = 1000 + 100 * np.sin(k * np.pi / 12) + 50 * np.sin(k * np.pi / 84)
    times = np.datetime_as_string(np.datetime64("2010-01-01T00:00") + k.astype("m8[h]"))
    (tmp_path / "f.csv").write_text(table("t,y", zip(times, y.round(1), strict=True)))
    arguments = ["forecast", "f.csv", "-h", "1", *QUICK, "--json"]
    code = (
        "import resource, sys; from gatecast.cli.main import main; "
        f"main({arguments!r}); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    Document(done.stdout).check(freq="h")
    # Kilobytes on Linux, bytes on macOS.
    assert int(done.stderr.split()[-1]) * (1 if sys.platform == "darwin" else 1024) < 2e9


def test_predict_of_new_rows_of_a_known_series_keeps_the_season(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    times, y = months(144)
    for name, rows in (("old", slice(0, 120)), ("new", slice(120, 132))):
        lines = [(f"{t:%Y-%m}", v) for t, v in zip(times[rows], y[rows], strict=True)]
        (tmp_path / f"{name}.csv").write_text(table("m,y", lines))
    assert main(["train", "old.csv", "-h", "12", *DOT, "--out", "m.gatecast"]) == 0
    assert main(["predict", "m.gatecast", "new.csv", "--out", "f.csv"]) == 0
    header, *lines = (line.split(",") for line in (tmp_path / "f.csv").read_text().splitlines())
    column = next(i for i, name in enumerate(header) if name != "m" and "-lo-" not in name and "-hi-" not in name)
    truth = months(144, noise=0.0)[1][132:]
    assert np.abs(np.array([float(line[column]) for line in lines]) - truth).mean() < 4
