"""Files as the systems of others write them: what a person sees at once is read so."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.reader import read
from gatecast.errors import DataError

MONTHS = [f"{year}-{month:02d}" for year in (2021, 2022) for month in range(1, 13)]
NAMES = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"]
NAMES = [*NAMES, "December"]
Y = [100.5 + k % 7 for k in range(24)]
HOURS = np.arange("2023-01-10", "2023-01-12", dtype="M8[h]")
DAY = [str(hour)[:10] for hour in HOURS]
CLOCK = [int(str(hour)[11:]) for hour in HOURS]
H = [50.25 + k % 9 for k in range(48)]
TIMES = [f"{d[8:]}.{d[5:7]}.{d[:4]} {h:02d}:00" for d, h in zip(DAY, CLOCK, strict=True)] + ["12.01.2023 00:00"]
LATE = np.random.default_rng(0).integers(0, 900, 48)
COMMAS = [str(y).replace(".", ",") for y in Y]
SECONDS = HOURS.astype("M8[s]").astype(np.int64).tolist()


def lines(*rows, header="", separator=","):
    return "\n".join(
        [*([header] if header else []), *(separator.join(map(str, row)) for row in zip(*rows, strict=True))]
    )


MONTHLY = {
    "decimal years": lines(
        [f"{2021 + k / 12:.11g}" for k in range(24)], Y, header="time,value"
    ),
    "names of months": lines(
        [m[:4] for m in MONTHS], [NAMES[int(m[5:]) - 1][:3].upper() for m in MONTHS], Y, header="Year,Period,Value"
    ),
    "years without a name": lines(
        [m[:4] for m in MONTHS], [NAMES[int(m[5:]) - 1] for m in MONTHS], Y, header=";;Price", separator=";"
    ),
    "a word for hours": lines(
        [m[:4] for m in MONTHS], [f"MONAT{m[5:]}" for m in MONTHS], Y, header="time,2_attribute_code,value"
    ),
    "codes of the bureau": lines([m.replace("-", "MM") for m in MONTHS], Y, header="t,y"),
    "months in digits": lines(Y, [m.replace("-", "") for m in MONTHS], header="reading,entry"),
    "years of another era": lines([f"1/{int(m[5:])}/{int(m[:4]) + 543}" for m in MONTHS], Y, header="date,y"),
    "constants": lines(MONTHS, [2] * 24, Y, [0] * 24, header="TIME_PERIOD,DECIMALS,PRICE,UNIT_MULT"),
    "parts of times": lines(MONTHS, [1 + int(m[5:]) // 4 for m in MONTHS], Y, header="MONTH,QUARTER,PASSENGERS"),
    "old line ends": lines(MONTHS, COMMAS, header="t;y", separator=";").replace("\n", "\r"),
    "spaces": lines(MONTHS, ["a"] * 24, [f"{y:8}" for y in Y], header="month  code     price", separator="   "),
    "widths": lines(MONTHS, Y, header="# a comment\nmonth\tprice\n6s\t12n", separator="\t"),
    "a total first": lines(MONTHS, Y, header=f"month,price\nTotal,{sum(Y)}"),
    "marks for nothing": lines([*MONTHS, "2023-01", "2023-02"], [*Y, "N/E", "unavailable"], header="t,y"),
}  # fmt: skip

HOURLY = {
    "spans of hours": lines(DAY, [f"{h:02d} - {h + 1:02d}" for h in CLOCK], H, header=";Hours;SYS", separator=";"),
    "hours of a till": lines(DAY, [f"{h:02d}-{h + 1:02d} Uhr" for h in CLOCK], H, header="Datum,Stunde,Umsatz"),
    "hours in one word": lines(DAY, [f"{h:02d}-{h + 1:02d}h" for h in CLOCK], H, header="date,hour,y"),
    "no header": lines([d.replace("-", ".") for d in DAY], [f"{h:02d}:00" for h in CLOCK], H),
    "names in one word": lines(DAY, [f"{h:02d}:00" for h in CLOCK], H, header="DeliveryDate,StartTime,Price"),
    "years of two digits": lines(DAY, [0] * 48, [1] * 48, CLOCK, H, header="dteday,yr,mnth,hr,cnt"),
    "spans of times": lines([f"{a} - {b}" for a, b in pairwise(TIMES)], H, header="MTU,Price"),
    "nanoseconds": lines([f"{hour}:00:00.000000000" for hour in np.datetime_as_string(HOURS)], H, header="t,y"),
    "seconds since 1970": lines([7] * 48, SECONDS, H, header="itemid,clock,value"),
    "late rows": lines([f"{hour}:00:00.{late:03d}" for hour, late in zip(HOURS, LATE, strict=True)], H, header="t,y"),
    "two times": lines([1000 * s for s in SECONDS], [1000 * (s + 3600) for s in SECONDS], H, header="begin,end,price"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MONTHLY)
def test_months_are_read(tmp_path, kind):
    path = tmp_path / "a.csv"
    path.write_bytes((MONTHLY[kind] + "\n").encode())
    panel, _ = read(path)
    assert (len(panel), str(panel.freq), format_times(panel.start)) == (1, "MS", ["2021-01-01"])
    np.testing.assert_allclose(panel.series(0)[:24], Y)


@pytest.mark.parametrize("kind", HOURLY)
def test_hours_are_read(tmp_path, kind):
    path = tmp_path / "a.csv"
    path.write_text(HOURLY[kind] + "\n", "utf-8")
    panel, _ = read(path)
    assert (len(panel), str(panel.freq), format_times(panel.start)[0][:10]) == (1, "h", "2023-01-10")
    np.testing.assert_allclose(panel.series(0), H)


RECORDS = [{"t": month, "y": y} for month, y in zip(MONTHS, Y, strict=True)]
ROWS = [list(record.values()) for record in RECORDS]
VALUES = {
    "records under keys": {"data": {"sales": RECORDS}, "status": "ok"},
    "records with objects": [{"t": record["t"], "metrics": {"y": record["y"]}} for record in RECORDS],
    "records next to pages": [{"page": 1, "pages": 1}, RECORDS],
    "rows": ROWS,
    "rows below names": [["t", "y"], *ROWS],
    "rows and columns": {"columns": ["t", "y"], "index": list(range(24)), "data": ROWS},
    "answers": {"results": [{"series": [{"name": "cpu", "columns": ["time", "mean"], "values": ROWS}]}]},
    "a series with labels": {"data": {"result": [{"metric": {"host": "a"}, "values": ROWS}]}},
    "columns": {"latitude": 52.5, "hourly": {"time": MONTHS, "price": Y}},
    "by date": {"meta": {"unit": "EUR"}, "prices": dict(zip(MONTHS, Y, strict=True))},
    "objects by date": {"Meta": {"1. Symbol": "A"}, "Monthly": {r["t"]: {"4. close": r["y"]} for r in RECORDS}},
    "a chart": {"labels": MONTHS, "datasets": [{"label": "sales", "data": Y}]},
    "a cube": {
        "id": ["geo", "time"],
        "size": [1, 24],
        "dimension": {
            "geo": {"category": {"index": ["DE"]}},
            "time": {"category": {"index": {month: k for k, month in enumerate(MONTHS)}}},
        },
        "value": {str(k): y for k, y in enumerate(Y)},
    },
}


@pytest.mark.parametrize("kind", VALUES)
def test_tables_within_json_are_read(tmp_path, kind):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(VALUES[kind]))
    panel, _ = read(path)
    assert (len(panel), str(panel.freq), format_times(panel.start)) == (1, "MS", ["2021-01-01"])
    np.testing.assert_allclose(panel.series(0), Y)


def test_series_within_json_have_their_labels(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"result": [{"metric": {"host": host}, "values": ROWS} for host in "ab"]}))
    panel, _ = read(path)
    assert panel.ids.tolist() == ["a", "b"]
    np.testing.assert_allclose(panel.series(1), Y)


def test_dates_of_databases_are_objects_in_lines(tmp_path):
    path = tmp_path / "a.json"
    records = [{"day": {"$date": f"{month}-01T00:00:00Z"}, "y": y} for month, y in zip(MONTHS, Y, strict=True)]
    path.write_text("\n".join(map(json.dumps, records)))
    panel, _ = read(path)
    assert str(panel.freq) == "MS"
    np.testing.assert_allclose(panel.series(0), Y)


def test_names_in_two_rows_are_joined(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(lines(MONTHS, Y, Y, header="Price,Close,Close\nTicker,AAPL,MSFT\nDate,,") + "\n")
    assert read(path, target_col="*")[0].ids.tolist() == ["Close AAPL", "Close MSFT"]


def test_quarters_between_months_are_their_totals(tmp_path):
    header = "Year," + ",".join(f"{','.join(NAMES[3 * q : 3 * q + 3])},Q{q + 1}" for q in range(4)) + ",Total"
    rows = []
    for k, year in enumerate((2021, 2022)):
        part = Y[12 * k : 12 * k + 12]
        cells = [cell for q in range(4) for cell in (*part[3 * q : 3 * q + 3], sum(part[3 * q : 3 * q + 3]))]
        rows.append(",".join(map(str, [year, *cells, sum(part)])))
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    panel, notes = read(path)
    assert (str(panel.freq), panel.series(0).tolist()) == ("MS", Y)
    assert any("Left out as totals of others: 'Q1', 'Q2', 'Q3', 'Q4', 'Total'" in note for note in notes)


DAYS = [f"2024-01-{k:02d}" for k in range(1, 29)]
OTHERS = {
    "hours worked": (lines(DAYS, [1 + k % 8 for k in range(28)], header="date,hours"), [""], 28),
    "hours of people": (
        lines(DAYS * 2, ["ann"] * 28 + ["bob"] * 28, [8 - k % 3 for k in range(56)], header="date,name,hours"),
        ["ann", "bob"],
        56,
    ),
    "a cohort next to dates": (
        lines(
            DAYS[:8],
            ["2018", "2019", "2020", "2021", "Q1 2022", "Q2 2022", "Q3 2022", "Q4 2022"],
            range(8),
            header="date,cohort,y",
        ),
        [""],
        8,
    ),
    "numbers in groups": (lines([f"1 234 {k:03d}" for k in range(560, 580)], header="y"), [""], 20),
    "numbers with units": (lines([f"{k} kWh" for k in range(200, 220)], header="y"), [""], 20),
    "trims of cars": (
        lines(
            [2018 + k // 4 for k in range(16)],
            [f"Trim{k % 4 + 1}" for k in range(16)],
            range(16),
            header="year,model,y",
        ),
        ["Trim1", "Trim2", "Trim3", "Trim4"],
        16,
    ),
    "a day of publication": (
        lines(
            ["2024-05-01"] * 24,
            [m[:4] for m in MONTHS],
            [int(m[5:]) for m in MONTHS],
            Y,
            header="last_updated,year,month,y",
        ),
        [""],
        24,
    ),
    "companies with a word of totals": (
        "name,2020,2021,2022\nTotalEnergies,3,5,7\nShell,1,2,3\nBP,2,3,4\n",
        ["TotalEnergies", "Shell", "BP"],
        9,
    ),
    "tags within records": (
        json.dumps([{"t": m, "y": y, "tags": [["a", 1], ["b", 2]]} for m, y in zip(MONTHS, Y, strict=True)]),
        [""],
        24,
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_only_looks_like_something_else_is_read_as_it_is(tmp_path, kind):
    text, ids, n_values = OTHERS[kind]
    path = tmp_path / ("a.json" if text.startswith("[") else "a.csv")
    path.write_text(text + "\n")
    options = {"target_col": "y"} if kind in ("a cohort next to dates", "tags within records") else {}
    panel, _ = read(path, **options)
    assert (panel.ids.tolist(), int(panel.mask.sum())) == (ids, n_values)


@pytest.mark.parametrize("header", ["date,min,max", "date,Day,Night", "date,h,temp"])
def test_names_that_may_mean_anything_are_no_parts_of_times(tmp_path, header):
    path = tmp_path / "a.csv"
    path.write_text(
        lines(DAYS, [k % 5 + 0.5 for k in range(28)], [k % 7 + 0.5 for k in range(28)], header=header) + "\n"
    )
    with pytest.raises(DataError, match="Ambiguous target"):
        read(path)


@pytest.mark.parametrize("values", [["$1,234", "$1,250", "$1,199"], ["800", "985", "1,022"]])
def test_commas_between_semicolons_may_be_of_thousands(tmp_path, values):
    path = tmp_path / "a.csv"
    path.write_text(lines(DAYS[:3], values, header="day;sales", separator=";") + "\n")
    assert read(path)[0].series(0).tolist() == [float(value.strip("$").replace(",", "")) for value in values]
