"""Forecasts over HTTP: forms of tables, answers, batches."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from functools import partial

import numpy as np
import pytest
from server_cases import SALES, SERIES, as_csv

import gatecast as gc
from gatecast.pipeline import together
from gatecast.server import services


def test_forecast_of_json_is_that_of_the_network(drive):
    async def scenario(client):
        return (await client.post("/v1/forecast", json={"series": SERIES, "h": 6})).json()

    answer = drive(scenario)
    expected = gc.Forecaster(6, model="pretrained").predict(SERIES, output="dict")
    assert answer["forecast"]["ds"][0] == "2024-01-01"
    assert (answer["model"], answer["intervals"]) == ("Pretrained", "model")
    np.testing.assert_allclose(answer["forecast"]["Pretrained"], expected["Pretrained"], rtol=1e-12)


def test_measured_intervals_are_those_of_forecaster_to_the_bit(drive):
    async def scenario(client):
        body = {"series": SERIES, "h": 6, "intervals": "measured", "level": [80]}
        return (await client.post("/v1/forecast", json=body)).json()

    answer = drive(scenario)
    expected = gc.Forecaster(6, model="pretrained", level=80).predict(SERIES, output="dict")
    for name in ("Pretrained", "Pretrained-lo-80", "Pretrained-hi-80"):
        assert answer["forecast"][name] == expected[name].tolist()
    assert "mean absolute error" in answer["evaluation"]["verdict"]


HOURS = {
    "ds": np.datetime_as_string(np.datetime64("2024-01-01T00") + np.arange(240), "s").tolist(),
    "y": (50 + 20 * np.sin(np.arange(240) * np.pi / 12) + np.random.default_rng(0).normal(0, 2, 240)).tolist(),
}


@pytest.mark.slow
def test_intervals_of_hours_are_those_of_forecaster_by_default(drive):
    async def scenario(client):
        default = (await client.post("/v1/forecast", json={"series": HOURS, "h": 24})).json()
        own = {"series": HOURS, "h": 24, "intervals": "model"}
        return default, (await client.post("/v1/forecast", json=own)).json()

    default, own = drive(scenario)
    expected = gc.Forecaster(24, model="pretrained").predict(HOURS, output="dict")
    assert (default["intervals"], own["intervals"]) == ("measured", "model")
    for name in list(expected)[1:]:
        assert default["forecast"][name] == expected[name].tolist()
    assert own["forecast"]["Pretrained"] == pytest.approx(default["forecast"]["Pretrained"], rel=1e-6)
    assert own["forecast"]["Pretrained-lo-80"] != default["forecast"]["Pretrained-lo-80"]


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({"h": 201}, 10**9),
        ({"h": 24}, 2000),
        ({"h": 24, "intervals": "measured"}, 2000),
        ({"h": 24, "model": "dot"}, 2000),
    ],
)
def test_long_measurement_is_made_in_a_process_of_its_own(drive, monkeypatch, more, limit):
    works = []

    async def apart(store, settings, work, gate):
        works.append(work.op)
        return {"forecast": {}}, ""

    monkeypatch.setattr(services, "compute_apart", apart)
    monkeypatch.setattr(services, "MEASURED_BYTES", limit)
    monkeypatch.setattr(services, "MEASURED_BYTES_OF_ONE", limit)

    async def scenario(client):
        return (await client.post("/v1/forecast", json={"series": HOURS, **more})).json()

    assert (drive(scenario), works) == ({"forecast": {}}, ["forecast"])


def test_fault_of_a_common_pass_is_logged_and_counted_and_answers_are_right(drive, monkeypatch, caplog):
    async def scenario(client, run=together._in_one_pass):
        monkeypatch.setattr(together, "_in_one_pass", run)
        bodies = [{"series": SERIES, "h": 3}] * 3
        answers = await asyncio.gather(*(client.post("/v1/forecast", json=body) for body in bodies))
        return [each.json()["forecast"]["Pretrained"] for each in answers], client.services.metrics.text()

    expected, before = drive(scenario)
    assert "gatecast_shared_faults_total" not in before

    def faulty(*_):
        raise TypeError("a defect")

    with caplog.at_level(logging.ERROR, "gatecast.server"):
        got, after = drive(partial(scenario, run=faulty))
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert 'gatecast_shared_faults_total{error="TypeError"}' in after
    record = next(record for record in caplog.records if record.getMessage() == "forecasts are made one by one")
    assert record.exc_info is not None
    assert "a defect" in str(record.exc_info[1])


def test_csv_form_and_arrow_give_the_answer_of_json(drive):
    pa = pytest.importorskip("pyarrow")
    sink = io.BytesIO()
    table = pa.table(SERIES)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)

    async def scenario(client):
        query, arrow = "/v1/forecast?h=3&level=80,90", "application/vnd.apache.arrow.stream"
        text = await client.post(query, content=as_csv(), headers={"content-type": "text/csv"})
        stream = await client.post(query, content=sink.getvalue(), headers={"content-type": arrow})
        form = await client.post(
            "/v1/forecast", files={"file": ("sales.csv", as_csv())}, data={"h": "3", "level": "80,90"}
        )
        body = await client.post("/v1/forecast", json={"series": SERIES, "h": 3, "level": [80, 90]})
        return [each.json()["forecast"] for each in (body, text, stream, form)]

    first, *others = drive(scenario)
    assert all(other == first for other in others)


def test_answer_as_csv_and_arrow_has_the_table(drive):
    pa = pytest.importorskip("pyarrow")

    async def scenario(client):
        body = {"series": SERIES, "h": 3}
        kinds = ("application/json", "text/csv", "application/vnd.apache.arrow.stream")
        return [await client.post("/v1/forecast", json=body, headers={"accept": kind}) for kind in kinds]

    document, text, stream = drive(scenario)
    points = document.json()["forecast"]["Pretrained"]
    rows = [line.split(",") for line in text.text.splitlines()]
    assert [float(row[1]) for row in rows[1:]] == points
    assert pa.ipc.open_stream(stream.content).read_all()["Pretrained"].to_pylist() == points


def test_forecast_with_future_columns_reads_them(drive):
    promo = (np.random.default_rng(0).random(60) < 0.3).tolist()
    series = {"ds": SERIES["ds"], "y": [y + 50 * p for y, p in zip(SALES, promo, strict=True)], "promo": promo}
    future = {"ds": ["2024-01", "2024-02"], "promo": [True, False]}

    async def scenario(client):
        body = {"series": series, "h": 2, "futr_exog": ["promo"], "futr_df": future}
        other = {**body, "futr_df": {**future, "promo": [False, False]}}
        return [
            (await client.post("/v1/forecast", json=each)).json()["forecast"]["Pretrained"] for each in (body, other)
        ]

    with_promo, without = drive(scenario)
    assert with_promo[0] > without[0] + 20
    assert with_promo[1] == pytest.approx(without[1], rel=0.1)


def test_batched_answers_equal_single_ones_to_the_bit(drive):
    rng = np.random.default_rng(0)
    bodies = []
    for k in range(24):
        y = [float(value) for value in (np.array(SALES) + rng.normal(0, 9, 60)) * (-1 if k % 5 == 0 else 1)]
        start = 6 * (k % 3)
        bodies.append({"series": {"ds": SERIES["ds"][start:], "y": y[start:]}, "h": 4 + k % 2})

    async def scenario(client):
        single = [(await client.post("/v1/forecast", json=body)).json() for body in bodies]
        together = await asyncio.gather(*(client.post("/v1/forecast", json=body) for body in bodies))
        return single, [each.json() for each in together], client.services.metrics.text()

    single, together, metrics = drive(scenario)
    assert single == together
    buckets = re.findall(r'gatecast_batch_size_bucket\{le="([^"]+)"\} (\d+)', metrics)
    sizes = {bound: int(n) for bound, n in buckets}
    assert sizes["+Inf"] > sizes["8"], "no batch was larger than 8"


def test_wrong_request_in_a_batch_spoils_no_other(drive):
    bodies = [{"series": SERIES, "h": 3}, {"series": {"y": []}}, {"series": SERIES, "h": 3}]

    async def scenario(client):
        answers = await asyncio.gather(*(client.post("/v1/forecast", json=body) for body in bodies))
        return [(each.status_code, each.json()) for each in answers]

    (good, first), (bad, problem), (also_good, second) = drive(scenario)
    assert (good, bad, also_good) == (200, 422, 200)
    assert first == second
    assert problem["what"]


@pytest.mark.slow
def test_large_table_is_forecast_in_a_process_of_its_own(drive):
    n = 60_000
    series = {"y": [float(k % 7) + 0.123456 for k in range(n)]}
    assert len(json.dumps(series)) > 500_000

    async def scenario(client):
        return await client.post("/v1/forecast", json={"series": series, "h": 7})

    answer = drive(scenario)
    assert answer.status_code == 200, answer.text
    np.testing.assert_allclose(
        answer.json()["forecast"]["Pretrained"], [(n + k) % 7 + 0.123456 for k in range(7)], atol=1
    )


def test_more_waiting_forecasts_than_allowed_are_refused(drive):
    async def scenario(client):
        body = {"series": SERIES, "h": 3}
        return await asyncio.gather(*(client.post("/v1/forecast", json=body) for _ in range(12)))

    codes = [each.status_code for each in drive(scenario, max_queue=2)]
    assert set(codes) == {200, 429}
