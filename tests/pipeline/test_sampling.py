"""Fits on a sample: the same series from every kind of source, and a sentence that says so."""

from __future__ import annotations

import numpy as np
import pytest
from many_series import many_series, shuffled

from gatecast import Forecaster
from gatecast.data.reader import write
from gatecast.errors import ConfigError
from gatecast.pipeline import sampling
from gatecast.pipeline.sampling import id_hash


@pytest.fixture(scope="module")
def table():
    return many_series(40, seed=1)


def drawn(table, n, seed=0):
    """The series with the smallest hashes, in the order of their ids."""
    ids = np.unique(table["unique_id"].astype(str)).tolist()
    return sorted(sorted(ids, key=lambda name: id_hash(name, seed))[:n])


def fit(source, seed=0, **arguments):
    return Forecaster(6, model="mean", seed=seed).fit(source, evaluate=False, **arguments)


@pytest.mark.parametrize("seed", [0, 7])
def test_sample_draws_the_same_series_from_tables_files_and_folders(table, tmp_path, seed):
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "series.parquet"
    write(shuffled(table), file)
    for source in (table, shuffled(table), file, file.parent):
        forecaster = fit(source, seed, sample=9)
        assert forecaster.panel_.ids.tolist() == drawn(table, 9, seed)
        assert any(note.startswith("learned from 9 of 40 series") for note in forecaster.data_notes_)


def test_sample_of_a_file_holds_whole_series(table, tmp_path):
    write(shuffled(table), tmp_path / "series.parquet")
    forecaster, everything = fit(tmp_path / "series.parquet", sample=9), fit(table)
    for s, name in enumerate(forecaster.panel_.ids.tolist()):
        expected = everything.panel_.series(everything.panel_.ids.tolist().index(name))
        np.testing.assert_array_equal(forecaster.panel_.series(s), expected)


def test_sample_of_series_with_two_id_columns_is_that_of_their_joined_names(table, tmp_path):
    number = np.array([int(name[1:]) for name in table["unique_id"]])
    item = np.array([f"i/{k % 5}" for k in number], object)
    two = {"store": number // 5, "item": item, "ds": table["ds"], "y": table["y"]}
    write(two, tmp_path / "two.parquet")
    fits = [
        Forecaster(6, model="mean", id_col=["store", "item"]).fit(source, evaluate=False, sample=7)
        for source in (two, tmp_path / "two.parquet")
    ]
    assert fits[0].panel_.ids.tolist() == fits[1].panel_.ids.tolist()
    assert len(fits[0].panel_) == 7


def test_too_many_series_of_a_file_are_sampled_without_being_asked(table, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "MAX_SERIES", 30)
    monkeypatch.setattr(sampling, "SAMPLE", 5)
    write(table, tmp_path / "series.parquet")
    forecaster = fit(tmp_path / "series.parquet")
    assert forecaster.panel_.ids.tolist() == drawn(table, 5)
    assert any(note.startswith("learned from 5 of 40 series") for note in forecaster.findings_)
    monkeypatch.setattr(sampling, "MAX_SERIES", 40)
    everything = fit(tmp_path / "series.parquet")
    assert len(everything.panel_) == 40
    assert not any("learned from" in note for note in everything.findings_)


def test_sample_that_is_no_number_of_series_is_refused(table):
    for sample in (0, -1, 2.5, "all"):
        with pytest.raises(ConfigError, match="sample"):
            fit(table, sample=sample)


def test_files_that_cannot_be_divided_are_read_at_once(table, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "MAX_SERIES", 50)
    write({**table, "ds": table["ds"].astype("M8[D]").astype(str).astype(object)}, tmp_path / "texts.parquet")
    assert len(fit(tmp_path / "texts.parquet").panel_) == 40
    assert fit(tmp_path / "texts.parquet", sample=9).panel_.ids.tolist() == drawn(table, 9)
