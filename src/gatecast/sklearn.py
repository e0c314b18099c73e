"""A recurrent network as a regressor of scikit-learn: `RecurrentRegressor`. Needs `pip install "gatecast[sklearn]"`.

It goes into pipelines, grid searches and cross-validation (take `TimeSeriesSplit`) like any other regressor.

>>> import numpy as np
>>> from gatecast.sklearn import RecurrentRegressor
>>> series = np.sin(np.arange(300) / 5)
>>> X, y = np.lib.stride_tricks.sliding_window_view(series, 24)[:-1], series[24:]
>>> regressor = RecurrentRegressor(hidden_layer_sizes=(16,), max_iter=20, random_state=0).fit(X[:200], y[:200])
>>> regressor.score(X[200:], y[200:]) > 0.9
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.suggestions import suggestion
from gatecast._utils.typing import FloatArray
from gatecast._utils.validation import check_flag, check_fraction, check_positive, check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.nn.callbacks import Callback, EarlyStopping
from gatecast.nn.layers import GRU, LSTM, Dense, Dropout, Input, SimpleRNN
from gatecast.nn.optimizers import Adam
from gatecast.nn.sequential import Sequential

if TYPE_CHECKING:
    # To the type checker scikit-learn is what it is at run time: a library that may be missing.
    BaseEstimator: Any = object
    RegressorMixin: Any = object
    check_is_fitted: Any
    check_random_state: Any
    check_sample_weight: Any
    validate_data: Any
else:
    try:
        from sklearn.base import BaseEstimator, RegressorMixin
        from sklearn.utils import check_random_state
        from sklearn.utils.validation import _check_sample_weight as check_sample_weight
        from sklearn.utils.validation import check_is_fitted, validate_data
    except ImportError as error:
        what = "gatecast.sklearn needs scikit-learn 1.6 or newer, which is not installed"
        raise ConfigError(what, fix='Install it: pip install "gatecast[sklearn]"') from error

__all__ = ["RecurrentRegressor"]

CELLS = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}
"""Recurrent layers by the name of their cell."""


class RecurrentRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A recurrent network over windows of time series, with the interface of scikit-learn.

    Parameters are named as those of `sklearn.neural_network.MLPRegressor`. Inputs and targets are standardized inside:
    predictions have the unit of y.

    Args:
        cell: Recurrent cell of the layers: "lstm", "gru" or "rnn".
        hidden_layer_sizes: Units of each recurrent layer. A dense layer of as many units as y has columns follows.
        n_features_per_step: Features of a time step. A row of X holds the steps from the oldest to the newest, each
            with its features: x[t = 1, f = 1], x[t = 1, f = 2], ..., x[t = 2, f = 1], ...
        dropout: Fraction of the outputs of every recurrent layer that is set to 0 in training.
        loss: Name of a loss: "mse", "mae", "huber", ...
        learning_rate_init: Learning rate of Adam.
        batch_size: Samples per update.
        max_iter: Epochs, at most.
        tol: Improvement of the loss, of standardized targets, that counts for `n_iter_no_change`.
        n_iter_no_change: Epochs without improvement after which training stops.
        early_stopping: Whether to hold back the last samples, and to take the weights of the epoch with the smallest
            error on them. The samples should be in time order.
        validation_fraction: Fraction of the samples to hold back for early stopping.
        warm_start: Whether `fit` goes on from the weights of the call before, if the network, its loss and its learning
            rate are the same.
        random_state: Seed of weights, order and dropout, a `RandomState`, or None for another one at each call.
        verbose: Whether to print a line per epoch.

    Attributes:
        model_: The fitted `Sequential`, for windows (N, T, F) and targets that are standardized.
        loss_curve_: Loss of each epoch.
        validation_loss_curve_: Loss on the samples that were held back; None without early stopping.
        n_iter_: Epochs that were run.
        n_features_in_: Columns of X: T * F.
        n_outputs_: Columns of y.

    Raises:
        ConfigError: Invalid parameters.
        DataError: Columns that are no multiple of `n_features_per_step`. Everything else about X and y is checked by
            scikit-learn, in its words.

    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> series = np.sin(np.arange(200) / 4)
    >>> X, y = np.lib.stride_tricks.sliding_window_view(series, 12)[:-1], series[12:]
    >>> scores = cross_val_score(RecurrentRegressor(max_iter=5, random_state=0), X, y, cv=TimeSeriesSplit(3))
    >>> scores.shape
    (3,)
    """

    def __init__(
        self,
        cell: str = "lstm",
        hidden_layer_sizes: tuple[int, ...] = (32,),
        *,
        n_features_per_step: int = 1,
        dropout: float = 0.0,
        loss: str = "mse",
        learning_rate_init: float = 0.01,
        batch_size: int = 32,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_features_per_step = n_features_per_step
        self.dropout = dropout
        self.loss = loss
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """Several columns of y, and windows with three axes, are taken."""
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> RecurrentRegressor:
        """Fit the network.

        Args:
            X: (N, T * F), or windows (N, T, F); finite. A table of pandas keeps the names of its columns.
            y: (N,) or (N, M), finite.
            sample_weight: (N,): factors of the losses.

        Returns:
            The regressor itself.
        """
        sizes = self._check_parameters()
        X, y = validate_data(self, self._flat(X), y, multi_output=True, y_numeric=True, dtype=np.float64)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X, ensure_non_negative=True)
        windows, targets = self._windows(X), y.reshape(len(y), -1)
        n_training = len(windows) - self._n_held_back(len(windows))
        if not self._goes_on(windows.shape[1:], targets.shape[1], sizes):
            # What is held back has no part in the scale either.
            counted = np.arange(n_training) if weight is None else np.flatnonzero(weight[:n_training])
            counted = counted if len(counted) else np.arange(n_training)
            self._center, self._scale = _moments(windows[counted].reshape(-1, windows.shape[2]))
            self._target_center, self._target_scale = _moments(targets[counted])
            self.model_ = self._new_model(windows.shape[1:], targets.shape[1], sizes)
        self._flat_target = y.ndim == 1
        self.n_outputs_ = targets.shape[1]
        windows = (windows - self._center) / self._scale
        targets = (targets - self._target_center) / self._target_scale
        held_back = [part[n_training:] for part in (windows, targets, weight) if part is not None]
        history = self.model_.fit(
            windows[:n_training],
            targets[:n_training],
            batch_size=self.batch_size,
            epochs=self.max_iter,
            validation_data=tuple(held_back) if self.early_stopping else None,
            callbacks=[self._stopping()],
            sample_weight=None if weight is None else weight[:n_training],
            verbose=2 if self.verbose else 0,
        ).history
        self.loss_curve_ = [float(loss) for loss in history["loss"]]
        self.validation_loss_curve_ = [float(loss) for loss in history["val_loss"]] if self.early_stopping else None
        self.n_iter_ = len(self.loss_curve_)
        return self

    def predict(self, X: Any) -> FloatArray:
        """Return the targets that follow the windows.

        Args:
            X: (N, T * F) or (N, T, F), as in `fit`.

        Returns:
            (N,) or (N, M), as y had in `fit`.
        """
        check_is_fitted(self)
        windows = self._windows(validate_data(self, self._flat(X), reset=False, dtype=np.float64))
        outputs = self.model_.predict((windows - self._center) / self._scale, verbose=0).astype(np.float64)
        outputs = outputs * self._target_scale + self._target_center
        return outputs[:, 0] if self._flat_target else outputs

    def _check_parameters(self) -> tuple[int, ...]:
        """Check what the layers do not check by themselves; return the units of the layers."""
        if self.cell not in CELLS:
            fix = suggestion(str(self.cell), CELLS)
            raise ConfigError(f"Unknown cell {self.cell!r}", fix=fix, argument="cell")
        sizes: Any = self.hidden_layer_sizes
        sizes = (sizes,) if isinstance(sizes, int | np.integer) else tuple(sizes)
        if not sizes:
            fix = "For example, (32,) for one layer."
            raise ConfigError("hidden_layer_sizes is empty", fix=fix, argument="hidden_layer_sizes")
        check_positive_int(self.n_features_per_step, "n_features_per_step")
        check_positive(self.learning_rate_init, "learning_rate_init")
        check_positive_int(self.max_iter, "max_iter")
        check_positive_int(self.n_iter_no_change, "n_iter_no_change")
        check_flag(self.early_stopping, "early_stopping")
        check_flag(self.warm_start, "warm_start")
        check_fraction(self.validation_fraction, "validation_fraction")
        return tuple(check_positive_int(size, "hidden_layer_sizes") for size in sizes)

    def _flat(self, X: Any) -> Any:
        """Return windows (N, T, F) as rows of T * F columns; anything else as it is."""
        X = np.asarray(X) if isinstance(X, list | tuple) else X
        if getattr(X, "ndim", 2) == 3:
            if X.shape[2] != self.n_features_per_step:
                raise DataError(
                    f"X has {X.shape[2]} features a time step",
                    expected=f"n_features_per_step = {self.n_features_per_step}",
                    fix=f"Pass n_features_per_step={X.shape[2]} to RecurrentRegressor.",
                    argument="X",
                )
            return X.reshape(len(X), -1)
        return X

    def _windows(self, X: FloatArray) -> FloatArray:
        """Return rows as windows (N, T, F)."""
        if X.shape[1] % self.n_features_per_step:
            raise DataError(
                f"X has {X.shape[1]} columns",
                expected=f"a multiple of n_features_per_step = {self.n_features_per_step}",
                fix="A row holds the time steps one after the other, each with all of its features.",
                argument="X",
            )
        return X.reshape(len(X), -1, self.n_features_per_step)

    def _n_held_back(self, n: int) -> int:
        """Return how many of the last samples early stopping holds back."""
        if not self.early_stopping:
            return 0
        held_back = max(1, round(self.validation_fraction * n))
        if held_back >= n:
            raise DataError(
                "Too few samples for early stopping",
                got=f"{n}, of which {held_back} would be held back",
                fix="Pass more samples, a smaller validation_fraction, or early_stopping=False.",
                argument="X",
            )
        return held_back

    def _new_model(self, shape: tuple[int, ...], n_outputs: int, sizes: tuple[int, ...]) -> Sequential:
        """Return a network of the parameters, compiled."""
        layers: list[Any] = [Input(shape)]
        for position, units in enumerate(sizes, 1):
            layers.append(CELLS[self.cell](units, return_sequences=position < len(sizes)))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = Sequential([*layers, Dense(n_outputs)], seed=seed)
        model.compile(optimizer=Adam(self.learning_rate_init), loss=self.loss)
        return model

    def _goes_on(self, shape: tuple[int, ...], n_outputs: int, sizes: tuple[int, ...]) -> bool:
        """Whether `fit` goes on from the network of the call before: asked for, and of the same parameters."""
        wanted = (self.cell, sizes, self.dropout, self.loss, self.learning_rate_init, shape, n_outputs)
        same = getattr(self, "_parameters", None) == wanted
        self._parameters = wanted
        return self.warm_start and same

    def _stopping(self) -> Callback:
        """Return what ends the training early."""
        return EarlyStopping(
            monitor="val_loss" if self.early_stopping else "loss",
            min_delta=self.tol,
            patience=self.n_iter_no_change,
            restore_best_weights=self.early_stopping,
        )


def _moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the means and standard deviations of the columns; 1 for the deviation of a constant."""
    center = values.mean(axis=0)
    scale = (values - center).std(axis=0)
    # Below the rounding of the mean the column is constant.
    constant = scale <= 1e-12 * np.maximum(np.abs(center), np.finfo(np.float64).tiny)
    return center, np.where(constant | (scale == 0), 1.0, scale)
