"""A forecaster with the interface of sktime: `GatecastForecaster`. Needs `pip install "gatecast[sktime]"`.

It takes part in sktime's pipelines, tuning, evaluation and reconciliation like any other forecaster of sktime.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster

if TYPE_CHECKING:
    # To the type checker both are what they are at run time: libraries that may be missing.
    pd: Any
    BaseForecaster: Any = object
else:
    try:
        import pandas as pd
        from sktime.forecasting.base import BaseForecaster
    except ImportError as error:
        what = "gatecast.sktime needs sktime, which is not installed"
        raise ConfigError(what, fix='Install it: pip install "gatecast[sktime]"') from error

__all__ = ["GatecastForecaster"]


class GatecastForecaster(BaseForecaster):  # type: ignore[misc]
    """`gatecast.Forecaster` as a forecaster of sktime.

    All series of a panel or a hierarchy, and all columns of y, are learned by one global model. The columns of X are
    future exogenous columns: `predict` needs them at the steps of fh, and takes those between as unchanged.

    Args:
        model: What forecasts: "auto", "lstm", "pretrained", "naive" or another name of
            `gatecast.forecasting.available_models()`, or a model config.
        sp: Seasonal periodicity; None: inferred. 1 means none.
        input_size: Values in a window of the networks; None: chosen by horizon, season and length.
        network: Sizes of the networks, a `gatecast.NetworkConfig`.
        training: Members, steps, batch size and learning rate, a `gatecast.TrainingConfig`.
        random_state: Same seed, same bits; None: 0.

    Attributes:
        forecaster_: The fitted `gatecast.Forecaster`, with `evaluation_`, `gates()`, `explain()`.

    Raises:
        DataError: X that lacks rows of fh, or series that cannot be used.
        ConfigError: Invalid parameters.

    Example:
        >>> from sktime.datasets import load_airline  # doctest: +SKIP
        >>> forecaster = GatecastForecaster("pretrained").fit(load_airline(), fh=[1, 2, 3])  # doctest: +SKIP
        >>> forecaster.predict_interval(coverage=0.9)  # doctest: +SKIP
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": ["gatecast"],
        "maintainers": ["gatecast"],
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "scitype:y": "both",
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": True,
        "enforce_index_type": None,
    }
    # It keeps what it needs of the past by itself.
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}

    def __init__(
        self,
        model: Any = "auto",
        sp: int | None = None,
        input_size: int | None = None,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.sp = sp
        self.input_size = input_size
        self.network = network
        self.training = training
        self.random_state = random_state
        super().__init__()

    def _fit(self, y: Any, X: Any, fh: Any) -> GatecastForecaster:
        """Fit one model to all series of y."""
        self._columns = list(y.columns)
        self._instances = [instance for instance, _ in _instances(y)]
        self._index_names = list(y.index.names)
        self._exogenous = [] if X is None else [f"x{i}" for i in range(X.shape[1])]
        h = None if fh is None else max(1, int(fh.to_relative(self.cutoff).to_numpy().max()))
        self.forecaster_ = Forecaster(
            h,
            model=self.model,
            level=None,
            season_length=self.sp,
            input_size=self.input_size,
            seed=0 if self.random_state is None else self.random_state,
            futr_exog=self._exogenous,
            network=self.network,
            training=self.training,
        )
        self._known = self._table(y, X)
        self.forecaster_.fit(self._known)
        return self

    def _predict(self, fh: Any, X: Any) -> Any:
        """Return the point forecasts, as y is."""
        values = self._forecast(fh, X, None)
        return self._as_y(fh, values[self.forecaster_.model_name_], self._columns)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: Sequence[float]) -> Any:
        """Return the quantiles `alpha`, a column for each variable and quantile."""
        levels = sorted({_level(a) for a in alpha if a != 0.5})
        table, name = self._forecast(fh, X, levels or None), self.forecaster_.model_name_
        names = [str(column) for column in self._get_varnames()]
        parts = []
        for a in alpha:
            column = name if a == 0.5 else f"{name}-{'lo' if a < 0.5 else 'hi'}-{_level(a):g}"
            parts.append(self._as_y(fh, table[column], names))
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        wide = pd.concat(parts, axis=1, keys=alpha).swaplevel(axis=1)
        wide = wide[[(str(variable), a) for variable, a in columns]]
        wide.columns = columns
        return wide

    def _update(self, y: Any, X: Any = None, update_params: bool = True) -> GatecastForecaster:
        """Take new values in: the models keep their weights, intervals follow the errors."""
        rows = self._table(y, X)
        # What comes again replaces what was known.
        self._known = pd.concat([self._known, rows]).drop_duplicates(["unique_id", "ds"], keep="last")
        if update_params:
            self.forecaster_.update(rows)
        return self

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003
        """Return parameters for the tests of sktime."""
        small = {
            "network": NetworkConfig(units=4, n_layers=1),
            "training": TrainingConfig(n_members=1, max_steps=5),
        }
        return [{"model": "naive"}, {"model": "lstm", "sp": 1, **small}]

    def _forecast(self, fh: Any, X: Any, level: list[float] | None) -> Any:
        """Return the table of gatecast at the times of fh, by series, then time."""
        steps = int(fh.to_relative(self.cutoff).to_numpy().max())
        times = _times(fh.to_absolute_index(self.cutoff))
        observed = self._known.dropna(subset=["y"]).groupby("unique_id", sort=False)["ds"].max()
        # Forecasts begin after the last value of a series: one that ends earlier has more steps to go.
        after = np.searchsorted(np.unique(self._known["ds"]), observed.to_numpy(), side="right")
        steps += int((self._known["ds"].nunique() - after).max())
        table = self.forecaster_.predict(
            self._known, h=steps, level=level, futr_df=self._future(fh, X), output="pandas"
        )
        rows = pd.MultiIndex.from_product([self._ids(), times])
        table = table.set_index([table.get("unique_id", pd.Series(self._ids()[0], table.index)), "ds"])
        missing = rows.difference(table.index)
        if len(missing):
            raise DataError(
                f"No forecast for {len(missing)} of {len(rows)} times of fh, such as {missing[0][1]}",
                expected="times that follow the series at its frequency",
                fix="Fill gaps in the index of y, and give all series the same frequency.",
                argument="fh",
            )
        return table.loc[rows]

    def _future(self, fh: Any, X: Any) -> Any:
        """Return the exogenous columns of the steps ahead, with the steps that X lacks between those of fh; or None."""
        if not self._exogenous:
            return None
        if X is None:
            fix = "Pass X with a row for each step of fh."
            raise DataError("X is missing: the forecaster was fitted with X", fix=fix, argument="X")
        known = self._known.drop(columns="y")
        rows = self._table(None, X).drop(columns="y")
        rows = rows[rows["ds"] > known["ds"].max()]
        steps = int(fh.to_relative(self.cutoff).to_numpy().max())
        every = _times(type(fh)(range(1, steps + 1), is_relative=True).to_absolute_index(self.cutoff))
        last = known.groupby("unique_id", sort=False).tail(1).assign(ds=known["ds"].max())
        filled = pd.concat([last, rows]).set_index(["unique_id", "ds"])
        index = pd.MultiIndex.from_product([self._ids(), [known["ds"].max(), *every]], names=["unique_id", "ds"])
        lacking = pd.MultiIndex.from_product([self._ids(), _times(fh.to_absolute_index(self.cutoff))]).difference(
            filled.index
        )
        if len(lacking):
            fix = "Pass X with a row for each step of fh."
            raise DataError(f"X misses {len(lacking)} rows, such as {lacking[0][1]}", fix=fix, argument="X")
        filled = filled[~filled.index.duplicated(keep="last")].reindex(index).groupby(level=0, sort=False).ffill()
        return filled.reset_index()[lambda table: table["ds"] > known["ds"].max()]

    def _ids(self) -> list[str]:
        """Return the ids of all series: instances by columns."""
        return [f"{i}/{j}" for i in range(len(self._instances)) for j in range(len(self._columns))]

    def _table(self, y: Any, X: Any) -> Any:
        """Return series as a long table of gatecast: unique_id, ds, y and the columns of X."""
        frames = []
        for instance, frame in _instances(X if y is None else y):
            i = self._instances.index(instance)
            exogenous = None if X is None else (X.loc[instance] if instance else X)
            columns = {} if exogenous is None else dict(zip(self._exogenous, exogenous.to_numpy(float).T, strict=True))
            for j in range(len(self._columns)):
                values = np.full(len(frame), np.nan) if y is None else frame.iloc[:, j].to_numpy(float)
                keys = {"unique_id": f"{i}/{j}", "ds": _times(frame.index)}
                frames.append(pd.DataFrame(keys | {"y": values} | columns))
        return pd.concat(frames, ignore_index=True)

    def _as_y(self, fh: Any, values: Any, columns: list[Any]) -> Any:
        """Return forecasts, by series and time, in the form of y."""
        index = fh.to_absolute_index(self.cutoff)
        cube = np.asarray(values, float).reshape(len(self._instances), len(self._columns), len(index))
        if self._instances == [()]:
            return pd.DataFrame(cube[0].T, index=index, columns=columns)
        keys = [(*instance, time) for instance in self._instances for time in index]
        rows = pd.MultiIndex.from_tuples(keys, names=self._index_names)
        return pd.DataFrame(cube.transpose(0, 2, 1).reshape(len(keys), -1), index=rows, columns=columns)


def _level(alpha: float) -> float:
    """Return the level in percent of the central interval that ends at a quantile."""
    return round(100 * abs(1 - 2 * alpha), 9)


def _instances(frame: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the key and the rows of every series; () for a single one."""
    if not isinstance(frame.index, pd.MultiIndex):
        yield (), frame
        return
    levels = list(range(frame.index.nlevels - 1))
    for key, rows in frame.groupby(level=levels if len(levels) > 1 else 0, sort=True):
        yield key if isinstance(key, tuple) else (key,), rows.droplevel(levels)


def _times(index: Any) -> Any:
    """Return times as gatecast reads them: periods by their start."""
    return index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
