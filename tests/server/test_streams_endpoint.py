"""Streams over HTTP: steps, the same bits after a restart, journals, expiry."""

from __future__ import annotations

import json
import threading
import time

import pytest
from server_cases import SERIES

from gatecast.server import streams

BODY = {"series": SERIES, "h": 3}


async def begin(client, **more):
    answer = await client.post("/v1/streams", json={**BODY, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def step(client, stream, value, number=None):
    answer = await client.post(f"/v1/streams/{stream}/step", json={"value": value, "step": number})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_step_judges_a_value_and_forecasts_from_it(drive):
    async def scenario(client):
        stream = await begin(client)
        usual, missing, far = [await step(client, stream, value) for value in (160, None, 900)]
        listed = (await client.get("/v1/streams")).json()["streams"]
        shown = (await client.get(f"/v1/streams/{stream}")).json()
        gone = (await client.delete(f"/v1/streams/{stream}")).status_code
        after = (await client.get(f"/v1/streams/{stream}")).status_code
        return stream, usual, missing, far, listed, shown, gone, after

    stream, usual, missing, far, listed, shown, gone, after = drive(scenario)
    assert (usual["is_anomaly"], missing["is_anomaly"], far["is_anomaly"]) == (False, False, True)
    assert missing["judged"]["y"] == [None]
    assert far["forecast"]["ds"] == ["2024-04-01", "2024-05-01", "2024-06-01"]
    assert (listed, shown["n_steps"], shown["forecast"]) == ([stream], 3, far["forecast"])
    assert (gone, after) == (204, 404)


@pytest.mark.parametrize("every", [2, 50])
def test_stream_after_a_restart_has_the_same_bits(drive, monkeypatch, every):
    values = [171.25, 180.5, None, 400.125, 215.0]
    monkeypatch.setattr(streams, "SNAPSHOT_EVERY", every)

    async def without_restart(client):
        stream = await begin(client)
        return [await step(client, stream, value) for value in values]

    async def before(client):
        stream = await begin(client)
        answers = [await step(client, stream, value) for value in values[:3]]
        # As a kill leaves it: nothing is written at the end.
        client.services.streams._open.clear()
        return stream, answers

    async def after(client):
        return [await step(client, stream, value) for value in values[3:]]

    expected = drive(without_restart)
    stream, answers = drive(before)
    assert answers + drive(after) == expected


def test_line_that_a_kill_cut_off_is_no_step(drive, tmp_path):
    async def before(client):
        stream = await begin(client)
        await step(client, stream, 171)
        client.services.streams._open.clear()
        return stream

    stream = drive(before)
    journal = tmp_path / "store" / "streams" / stream / streams.JOURNAL
    complete = journal.read_bytes()
    journal.write_bytes(complete + b'{"step": 2, "val')

    async def after(client):
        return await step(client, stream, 180, 2)

    assert drive(after)["n_steps"] == 2
    # The stop has written the stream itself.
    assert not journal.exists()


def test_kill_between_file_and_journal_takes_no_step_twice(drive, tmp_path):
    async def before(client):
        stream = await begin(client)
        answers = [await step(client, stream, value) for value in (171, 182)]
        journal = (tmp_path / "store" / "streams" / stream / streams.JOURNAL).read_bytes()
        return stream, answers, journal

    stream, answers, journal = drive(before)
    folder = tmp_path / "store" / "streams" / stream
    (folder / streams.JOURNAL).write_bytes(journal)

    async def after(client):
        return await step(client, stream, 182, 2), (await client.get(f"/v1/streams/{stream}")).json()["n_steps"]

    assert drive(after) == (answers[-1], 2)


def test_values_set_aside_and_journal_are_the_stream_until_its_file_is_written(drive, monkeypatch, tmp_path):
    values = [171.25, 180.5, None, 400.125, 215.0, 190.0]

    async def without_fault(client):
        stream = await begin(client)
        return [await step(client, stream, value) for value in values]

    async def with_fault(client):
        stream = await begin(client)
        answers = [await step(client, stream, value) for value in values[:5]]
        client.services.streams._writer.submit(int).result()
        folder = tmp_path / "store" / "streams" / stream
        client.services.streams._open.clear()
        lines = [(folder / name).read_bytes().count(b"\n") for name in (streams.ASIDE, streams.JOURNAL)]
        return stream, lines, answers

    expected = drive(without_fault)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(streams, "SNAPSHOT_EVERY", 2)
        patch.setattr(streams, "_write", full_disk)
        stream, lines, answers = drive(with_fault)
    # Twice the file could not be written; what was set aside the second time follows the first.
    assert lines == [4, 1]
    folder = tmp_path / "store" / "streams" / stream
    # As a kill leaves it after the values were copied, before the journal went.
    both = (folder / streams.ASIDE).read_bytes()
    (folder / streams.ASIDE).write_bytes(both + (folder / streams.JOURNAL).read_bytes())

    async def after(client):
        return [await step(client, stream, value) for value in values[5:]]

    assert answers + drive(after) == expected
    assert not (folder / streams.ASIDE).exists()


def test_stream_deleted_while_it_is_written_leaves_nothing(drive, monkeypatch, tmp_path):
    write, begun = streams._write, threading.Event()
    monkeypatch.setattr(streams, "SNAPSHOT_EVERY", 1)

    async def scenario(client):
        stream = await begin(client)
        hold = threading.Event()

        def slow(*args):
            begun.set()
            hold.wait(10)
            write(*args)

        monkeypatch.setattr(streams, "_write", slow)
        await step(client, stream, 171)
        assert begun.wait(10)
        await client.delete(f"/v1/streams/{stream}")
        (tmp_path / "store" / "streams" / stream).mkdir(exist_ok=True)
        hold.set()
        return stream

    stream = drive(scenario)
    assert not (tmp_path / "store" / "streams" / stream).exists()


def test_repeated_step_is_answered_as_before_and_changes_nothing(drive):
    async def scenario(client):
        stream = await begin(client)
        first = await step(client, stream, 171, 1)
        again = await step(client, stream, 171, 1)
        skipped = await client.post(f"/v1/streams/{stream}/step", json={"value": 5, "step": 4})
        other = await client.post(f"/v1/streams/{stream}/step", json={"value": 172, "step": 1})
        return first, again, skipped, other

    first, again, skipped, other = drive(scenario)
    assert first == again
    assert other.status_code == 409
    assert (other.json()["got"], other.json()["expected"]) == ("172.0", "171.0")
    assert skipped.status_code == 409
    assert skipped.json()["expected"] == "2"


def test_several_series_take_values_by_id(drive):
    series = {"shop": ["a"] * 60 + ["b"] * 60, "ds": SERIES["ds"] * 2, "y": SERIES["y"] + [5 * y for y in SERIES["y"]]}

    async def scenario(client):
        stream = await begin(client, series=series)
        good = await step(client, stream, {"a": 160, "b": 9000.0})
        bad = await client.post(f"/v1/streams/{stream}/step", json={"value": {"a": 1}})
        return good, bad

    good, bad = drive(scenario)
    assert good["is_anomaly"] == {"a": False, "b": True}
    assert bad.status_code == 422
    assert "b" in bad.json()["got"]


def test_oldest_stream_makes_way_for_a_new_one(drive):
    async def scenario(client):
        names = [await begin(client) for _ in range(2)]
        await step(client, names[0], 171)
        third = await begin(client)
        return names, third, (await client.get("/v1/streams")).json()["streams"]

    (first, _), third, left = drive(scenario, max_streams=2)
    assert left == [first, third]


def test_idle_stream_expires(drive):
    async def scenario(client):
        stream = await begin(client)
        time.sleep(0.06)
        return (await client.get(f"/v1/streams/{stream}")).status_code

    assert drive(scenario, stream_seconds=0.05) == 404


def test_stream_out_of_memory_goes_on_from_its_file(drive, monkeypatch):
    monkeypatch.setattr(streams, "MAX_IN_MEMORY", 1)

    async def scenario(client):
        names = [await begin(client) for _ in range(2)]

        async def step_all(value):
            return [await step(client, name, value) for name in names]

        # Python 3.10 has no asynchronous comprehension within another one.
        answers = [await step_all(value) for value in (171, 500, 190)]
        return answers, len(client.services.streams._open)

    answers, n_open = drive(scenario)
    assert n_open == 1
    assert all(first == second for first, second in answers)


def test_journal_that_cannot_be_written_leaves_the_stream_as_it_was(drive, monkeypatch):
    async def scenario(client):
        stream = await begin(client)
        monkeypatch.setattr(streams, "_append", full_disk)
        refused = await client.post(f"/v1/streams/{stream}/step", json={"value": 171})
        monkeypatch.undo()
        return refused.status_code, json.loads(refused.text)["what"], (await step(client, stream, 171))["n_steps"]

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    code, what, n_steps = drive(scenario)
    assert code >= 500
    assert what
    assert n_steps == 1
