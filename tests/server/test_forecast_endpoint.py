"""Forecasts over HTTP: forms of tables, answers, batches."""

from __future__ import annotations

import asyncio
import io
import json
import re

import numpy as np
import pytest
from server_cases import SALES, SERIES, as_csv

import gatecast as gc


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
