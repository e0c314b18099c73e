"""What a table is understood to be, over HTTP; files of other kinds; the file and the gates of a model."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from server_cases import MEMBERS, MONTHS, SALES, SERIES, as_csv
from spreadsheet_files import write_xlsx

import gatecast as gc
from gatecast.server import jobs, services, worker
from gatecast.server.tables import PARQUET, XLSX

CSV = {"content-type": "text/csv"}
KEYS = {
    "time_col",
    "target_col",
    "id_cols",
    "exogenous",
    "frequency",
    "season",
    "horizon",
    "scored",
    "series",
    "constant",
    "empty",
    "problem",
    "findings",
}


@pytest.fixture
def in_this_process(monkeypatch):
    """Do the work of processes in this one: a process takes a second."""
    monkeypatch.setattr(worker, "_end_with_server", lambda: None)
    monkeypatch.setattr(worker, "_limit_memory", lambda _: None)

    async def run(folder, *_):
        await asyncio.to_thread(worker.main, folder)

    monkeypatch.setattr(jobs, "run_worker", run)


def as_parquet():
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    out = io.BytesIO()
    parquet.write_table(pa.table(SERIES), out)
    return out.getvalue()


def post(drive, path, data, kind="text/csv", **settings):
    return drive(lambda client: client.post(path, content=data, headers={"content-type": kind}), **settings)


def test_inspect_csv_says_what_a_forecast_would_use(drive):
    async def scenario(client):
        seen = (await client.post("/v1/inspect?rows=2&history=7", content=as_csv(), headers=CSV)).json()
        forecast = (await client.post("/v1/forecast", content=as_csv(), headers=CSV)).json()
        return seen, forecast

    seen, answer = drive(scenario)
    assert set(seen) >= KEYS
    assert (seen["time_col"], seen["target_col"], seen["id_cols"]) == ("ds", "y", [])
    assert (seen["frequency"], seen["season"], seen["n_series"]) == ("MS", 12, 1)
    assert seen["horizon"] == len(answer["forecast"]["ds"])
    assert [column["name"] for column in seen["columns"]] == ["ds", "y"]
    assert seen["rows"] == [["2019-01", "100.0"], ["2019-02", "111.0"]]
    assert seen["history"] == [{"id": "", "ds": [f"{month}-01" for month in MONTHS[-7:]], "y": SALES[-7:]}]
    assert seen["series"][0]["rows"] == 60


def test_inspect_takes_corrections(drive):
    table = {"shop": ["a"] * 30 + ["b"] * 30, "day": list(range(30)) * 2, "sold": [1.5, 2.5] * 30, "price": [3.0] * 60}

    async def scenario(client):
        body = {"series": table, "target_col": "price", "id_col": "shop", "time_col": "day", "h": 4}
        return (await client.post("/v1/inspect", json=body)).json()

    seen = drive(scenario)
    assert (seen["time_col"], seen["target_col"], seen["id_cols"]) == ("day", "price", ["shop"])
    assert (seen["horizon"], seen["n_series"], seen["constant"]) == (4, 2, 2)


def test_inspect_history_is_shared_by_the_series(drive):
    table = {"shop": ["a"] * 30 + ["b"] * 30, "ds": MONTHS[:30] * 2, "y": [float(k) for k in range(60)]}
    answer = drive(lambda client: client.post("/v1/inspect", json={"series": table, "history": 10}))
    history = answer.json()["history"]
    assert [(each["id"], each["y"]) for each in history] == [
        ("a", [25.0, 26.0, 27.0, 28.0, 29.0]),
        ("b", [55.0, 56.0, 57.0, 58.0, 59.0]),
    ]


def test_inspect_table_without_numbers_is_a_problem_with_its_columns(drive):
    answer = post(drive, "/v1/inspect?rows=1", b"name,comment\nAnna,hello\nBob,world\n")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == MEMBERS | {"columns", "n_columns", "rows"}
    assert [column["name"] for column in document["columns"]] == ["name", "comment"]
    assert document["rows"] == [["Anna", "hello"]]
    assert document["what"]
    assert document["fix"]


def test_inspect_series_too_short_says_so_and_is_no_error(drive):
    answer = post(drive, "/v1/inspect?freq=1", b"t,y\n1,1\n2,\n3,\n")
    assert answer.status_code == 200
    assert answer.json()["problem"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_files_of_all_kinds_are_the_same_table(drive, tmp_path, kind, in_this_process):
    if kind == "xlsx":
        pytest.importorskip("python_calamine")
        path = write_xlsx(tmp_path / "a.xlsx", {"Sales": [["ds", "y"], *zip(MONTHS, SALES, strict=True)]})
        data, media = path.read_bytes(), XLSX
    else:
        data, media = (as_parquet(), PARQUET) if kind == "parquet" else (as_csv(), "text/csv")

    async def scenario(client):
        headers = {"content-type": media}
        seen = await client.post("/v1/inspect", content=data, headers=headers)
        forecast = await client.post("/v1/forecast?h=3", content=data, headers=headers)
        form = await client.post("/v1/forecast", files={"file": ("a", data, media)}, data={"h": "3"})
        plain = await client.post("/v1/forecast", json={"series": SERIES, "h": 3})
        return seen, forecast, form, plain

    seen, forecast, form, plain = drive(scenario)
    assert seen.status_code == 200, seen.text
    assert seen.json()["series"][0]["rows"] == 60
    assert forecast.status_code == 200, forecast.text
    assert forecast.json()["forecast"]["Pretrained"] == plain.json()["forecast"]["Pretrained"]
    assert form.json()["forecast"] == forecast.json()["forecast"]


def test_sheet_of_a_workbook_is_chosen_by_name(drive, tmp_path, in_this_process):
    pytest.importorskip("python_calamine")
    sheets = {
        "Sales": [["ds", "y"], *zip(MONTHS, SALES, strict=True)],
        "Costs": [["ds", "cost"], *zip(MONTHS[:30], SALES[:30], strict=True)],
    }
    data = write_xlsx(tmp_path / "a.xlsx", sheets).read_bytes()

    async def scenario(client):
        headers = {"content-type": XLSX}
        first = await client.post("/v1/inspect", content=data, headers=headers)
        costs = await client.post("/v1/inspect?sheet=Costs", content=data, headers=headers)
        unknown = await client.post("/v1/inspect?sheet=Cost", content=data, headers=headers)
        text = await client.post("/v1/inspect?sheet=Costs", content=as_csv(), headers=CSV)
        return first, costs, unknown, text

    first, costs, unknown, text = drive(scenario)
    assert (first.json()["target_col"], first.json()["sheets"]) == ("y", ["Sales", "Costs"])
    assert "::" not in first.text
    assert (costs.json()["target_col"], costs.json()["series"][0]["rows"]) == ("cost", 30)
    assert (unknown.status_code, text.status_code) == (422, 422)
    assert "Costs" in unknown.text
    assert "/tmp" not in unknown.text


@pytest.mark.parametrize("kind", [PARQUET, XLSX])
def test_file_that_is_none_of_its_kind_is_a_problem(drive, kind, in_this_process):
    magic = b"PAR1" if kind == PARQUET else b"PK\x03\x04"
    for data in (b"ds,y\n2020-01,1\n", magic + b"\0" * 100, b""):
        answer = post(drive, "/v1/inspect", data, kind)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "/tmp" not in answer.text
        assert "upload" in json.dumps(answer.json())


def test_file_beyond_the_limits_of_rows_is_refused(drive, tmp_path, in_this_process):
    pytest.importorskip("python_calamine")
    path = write_xlsx(tmp_path / "a.xlsx", {"Sales": [["ds", "y"], *zip(MONTHS, SALES, strict=True)]})
    for data, kind in ((path.read_bytes(), XLSX), (as_parquet(), PARQUET)):
        answer = post(drive, "/v1/inspect", data, kind, max_rows=20)
        assert (answer.status_code, answer.json()["what"]) == (413, "The table has too many rows")


def test_stream_of_a_file_is_refused(drive):
    assert post(drive, "/v1/streams", as_parquet(), PARQUET).status_code == 415


def test_large_table_is_inspected_in_a_process_of_its_own(drive, monkeypatch, in_this_process):
    monkeypatch.setattr(services, "INLINE_BYTES", 100)
    seen = post(drive, "/v1/inspect", as_csv()).json()
    assert seen["season"] == 12
    problem = post(drive, "/v1/inspect", b"name,comment\n" + b"Anna,hello\n" * 20).json()
    assert [column["name"] for column in problem["columns"]] == ["name", "comment"]


def test_about_says_limits_and_models(drive):
    about = drive(lambda client: client.get("/v1/about"), max_rows=123).json()
    assert about["limits"]["max_rows"] == 123
    needs = {model["name"]: model["needs_training"] for model in about["models"]}
    assert (needs["pretrained"], needs["auto"], needs["lstm"]) == (False, True, True)


@pytest.mark.slow
def test_gates_and_file_of_a_stored_model(drive, tmp_path, in_this_process):
    (tmp_path / "store" / "models").mkdir(parents=True)
    training = gc.config.TrainingConfig(max_steps=5, n_members=1)
    fitted = gc.Forecaster(3, model="lstm", training=training).fit(SERIES)
    fitted.save(tmp_path / "store" / "models" / "net.gatecast")
    gc.Forecaster(3, model="naive").fit(SERIES).save(tmp_path / "store" / "models" / "plain.gatecast")

    async def scenario(client):
        gates = await client.post("/v1/models/net/gates", json={"steps": 10})
        none = await client.post("/v1/models/plain/gates", json={})
        uneven = await client.post("/v1/models/net/gates", json={"futr_df": {"price": [1, [2, 3]]}})
        assert uneven.status_code == 422, uneven.text
        return gates, none, await client.get("/v1/models/net/file"), await client.get("/v1/models/other/file")

    gates, none, file, missing = drive(scenario)
    assert gates.status_code == 200, gates.text
    (layer, *_) = gates.json()["layers"]
    expected = fitted.gates().layers[0]
    forget = layer["gates"]["f"]
    assert (len(forget), len(forget[0]), len(layer["ds"])) == (expected.units, 10, 10)
    assert forget[0][-1] == pytest.approx(float(expected.gates["f"][0, -1, 0]), abs=5e-4)
    assert (none.status_code, missing.status_code) == (422, 404)
    assert 'filename="net.gatecast"' in file.headers["content-disposition"]
    (tmp_path / "copy.gatecast").write_bytes(file.content)
    assert gc.Forecaster.load(tmp_path / "copy.gatecast").model_name_ == "LSTM"


def test_model_that_is_deleted_meanwhile_is_not_listed(drive, tmp_path, monkeypatch):
    (tmp_path / "store" / "models").mkdir(parents=True)
    gc.Forecaster(3, model="naive").fit(SERIES).save(tmp_path / "store" / "models" / "kept.gatecast")

    async def scenario(client):
        store = client.services.store
        monkeypatch.setattr(store, "models", lambda: ["gone", "kept"])
        return await client.get("/v1/models")

    answer = drive(scenario)
    assert answer.status_code == 200, answer.text
    assert [model["name"] for model in answer.json()["models"]] == ["kept"]
