"""The methods of Keras that train, evaluate and predict, for any model with layers and weights.

Shapes: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gatecast._utils.keywords import check_keywords
from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_optional_positive_int, check_positive_int
from gatecast.errors import ConfigError, NotFittedError
from gatecast.kernels.runtime import release_memory
from gatecast.nn import fitting, training
from gatecast.nn.batching import inference_batch_size
from gatecast.nn.callbacks import BackupAndRestore, CallbackList, History, TerminateOnNaN, as_callbacks
from gatecast.nn.compiling import Compiled, compile_settings
from gatecast.nn.fit_arguments import (
    check_epoch,
    check_frequency,
    check_shuffle,
    first_inputs,
    is_due,
    warn_of_end,
)
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.keras_attributes import COMPILE_ADVICE, METHODS, WORKERS
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_memory
from gatecast.nn.model_data import HeldOut, ModelData, Order, Source, exclude_with_batches
from gatecast.nn.network import penalties, penalty
from gatecast.nn.optim import ema_params
from gatecast.nn.optimizers import Optimizer
from gatecast.nn.progress_bar import ProgbarLogger, verbosity
from gatecast.nn.sources import ArraySource, BatchSource, class_weights, is_batches, no_batches
from gatecast.nn.tracking import Tracker
from gatecast.nn.training import TrainingDiverged, TrainingState

__all__ = ["Trainer"]

ONE_BATCH = 2**31
"""A batch size that all samples fit into."""


class Trainer(ModelData):
    """Training, evaluation and prediction; `Sequential` adds the layers.

    A class on top of it has `layers`, `seed`, `_in_shape`, and `_built`, which returns network and weights, as does
    `_to_change` before these are changed.
    """

    history: History | None
    stop_training: bool = False
    _compiled: Compiled | None
    _training_state: TrainingState | None
    _initial_epoch: int | None = None
    _run: fitting.TrainingRun | None = None

    def __getattr__(self, name: str) -> Any:
        """Raise an error that says what to write instead of methods of Keras 2."""
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(text + (f". {METHODS[name]}" if name in METHODS else ""), name=name, obj=self)

    @check_keywords(**COMPILE_ADVICE)
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set optimizer, loss and metrics.

        Args:
            optimizer: "rmsprop", "adam", "adamw", "sgd", "adagrad", "nadam", an optimizer of `gatecast.optimizers`, or
                a chain of `gatecast.optim`.
            loss: "mean_squared_error" ("mse"), "mean_absolute_error" ("mae"), "huber", ..., a loss of
                `gatecast.losses`, or a function of (y_true, y_pred) that returns the losses and their gradient.
            loss_weights: Factor of the loss, a number, or a list or dict with one.
            metrics: Names such as "mae" or "root_mean_squared_error", metrics of `gatecast.metrics`, or functions of
                (y_true, y_pred).
            weighted_metrics: The same, for metrics that use `sample_weight`.
            run_eagerly: Only False: callbacks and functions run as ordinary Python anyway.
            steps_per_execution: For scripts written for Keras; not used.
            jit_compile: For scripts written for Keras; not used.
            auto_scale_loss: For scripts written for Keras; not used.

        Raises:
            ConfigError: An unknown name, or an option that is not available.
        """
        options = {"loss_weights": loss_weights, "run_eagerly": run_eagerly}
        options |= {"steps": steps_per_execution, "jit": jit_compile, "scale": auto_scale_loss}
        before = self.optimizer
        self._compiled = compile_settings(optimizer, loss, metrics, weighted_metrics, options)
        self._keep_training_state(before)

    def _keep_training_state(self, before: Optimizer | None) -> None:
        """Begin anew, unless the model is compiled with the optimizer that it has: it goes on where it was."""
        if self.optimizer is None or self.optimizer is not before:
            self._training_state = None

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer, whose `learning_rate` may be assigned; None before `compile`."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Loss | None:
        """The loss; None before `compile`."""
        return None if self._compiled is None else self._compiled.loss

    @property
    def metrics(self) -> list[Any]:
        """The metrics, once the model is built and compiled."""
        tracker = self._tracker()
        return [] if tracker is None else [*tracker.metrics, *tracker.weighted_metrics]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns: "loss", losses of several outputs, and the metrics."""
        tracker = self._tracker()
        return ["loss"] if tracker is None else tracker.log_names

    @check_keywords(
        nb_epoch="Write epochs=.",
        **dict.fromkeys(("workers", "use_multiprocessing", "max_queue_size"), WORKERS),
    )
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | Literal["auto"] = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | Literal["batch"] = True,
        class_weight: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
        mask: npt.ArrayLike | None = None,
    ) -> History:
        """Train the model. Another call continues the training.

        An interrupt leaves a usable model: with the best weights under `EarlyStopping(restore_best_weights=True)`,
        else with the newest.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite numbers of any type. T may differ between
                calls if the input shape leaves it open. Or an iterable of batches (x, y) or (x, y, sample_weight): a
                generator, a list, a data loader, a `PyDataset`.
            y: (N, M), (N,) if M = 1, or (N, T, M) and (N, T) if the output has a time axis; finite.
            batch_size: Samples per update; None: 32, or the samples of arrays in `steps_per_epoch` batches.
            epochs: Number of the last epoch: `epochs` - `initial_epoch` passes over the samples.
            verbose: 0 for silence; 1 or "auto" for a line on standard error if that is a terminal; 2, or 1 elsewhere,
                for a line per epoch on standard output.
            callbacks: One or several callbacks of `gatecast.callbacks`.
            validation_split: Fraction of the samples, from the end, to validate on.
            validation_data: (x, y), (x, y, sample_weight), (x, y, sample_weight, mask) or an iterable of batches to
                validate on.
            shuffle: Whether to shuffle the samples before each epoch; "batch": within each batch.
            class_weight: Weights of samples by class, a dict; not of those to validate on.
            sample_weight: (N,), or (N, T) if the output has a time axis: factors of the losses, whose sum is divided
                by the number of targets. A target with weight 0 may be NaN.
            initial_epoch: Number of the first epoch, to go on from an earlier call.
            steps_per_epoch: Batches per epoch; needed for a generator without end. The next epoch goes on behind them.
            validation_steps: Batches of the validation data to use, if they come as batches.
            validation_batch_size: Samples per pass of the validation; None chooses a fast size, or that of `fit` with
                `validation_steps` and with stateful layers.
            validation_freq: Validate after every so many epochs, or after the epochs of a list.
            mask: (N, T) bool. Where it is False the step is skipped: the state is carried over and, if the output has
                a time axis, the target is ignored. x may be NaN there. Not in Keras.

        Returns:
            The losses and metrics by epoch, also available as `model.history`.

        Raises:
            NotFittedError: The model is not compiled, or without a loss.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            ConfigError: Invalid settings, or a training that diverged. In the second case the weights are those of the
                last completed epoch.
        """
        loss = self._compile_required().required_loss()
        checked = as_callbacks(callbacks)
        epochs, initial_epoch = check_positive_int(epochs, "epochs"), check_epoch(initial_epoch)
        frequency = check_frequency(validation_freq)
        if class_weight is not None and sample_weight is not None:
            raise ConfigError("class_weight and sample_weight exclude each other", fix="Multiply them yourself.")
        size = check_optional_positive_int(batch_size, "batch_size")
        order = Order(size, check_shuffle(shuffle), check_optional_positive_int(steps_per_epoch, "steps_per_epoch"))
        n_batches = check_optional_positive_int(validation_steps, "validation_steps")
        n_samples = check_optional_positive_int(validation_batch_size, "validation_batch_size")
        held_out = HeldOut(validation_split, validation_data, n_batches, n_samples, size)
        if is_batches(x):
            split = validation_split or None
            exclude_with_batches(batch_size, y=y, sample_weight=sample_weight, mask=mask, validation_split=split)
            source: Source = self._batch_source(
                x, loss, order.steps, shuffle=bool(order.shuffle), class_weight=class_weight
            )
            validation = self._validation_source(held_out, loss)
        else:
            data = (x, y, sample_weight, mask, class_weight)
            source, validation = self._array_sources(data, held_out, order, loss)
        run = self._training_run(loss)
        self.history = history = next((c for c in checked if isinstance(c, History)), None) or History()
        params = {"verbose": verbosity(verbose), "epochs": epochs, "steps": source.steps}
        extra = [] if history in checked else [history]
        bars = [ProgbarLogger(is_asked=verbose != "auto")] if params["verbose"] else []
        # A backup has the state that the other callbacks leave: it comes last.
        in_order = sorted([*checked, *extra, *bars], key=lambda callback: isinstance(callback, BackupAndRestore))
        listed = CallbackList(in_order, self, params)
        with self._interruptible(listed, run):
            self._run_epochs(run, source, validation, listed, (initial_epoch, epochs, frequency))
        return history

    @check_keywords(**dict.fromkeys(("workers", "use_multiprocessing", "max_queue_size"), WORKERS))
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = 0,  # noqa: ARG002
        steps: int | None = None,
        callbacks: Any = None,
        mask: npt.ArrayLike | None = None,
    ) -> Float32Array:
        """Predict outputs, with dropout off.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite. Or an iterable of batches, of which x is
                used.
            batch_size: Samples per pass; the result depends on it with stateful layers alone, whose states go on from
                pass to pass. None chooses a fast size; with them that of the states so far, else 32, or all samples
                where neither divides them.
            verbose: Ignored; for scripts written for Keras.
            steps: Batches to use; of an array as many parts, unless `batch_size` is given.
            callbacks: Callbacks, whose `on_predict_begin` and `on_predict_end` are called.
            mask: As for `fit`.

        Returns:
            (N, M) float32, or (N, T, M) if the output has a time axis.

        Raises:
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
        """
        steps = check_optional_positive_int(steps, "steps")
        listed = CallbackList(as_callbacks(callbacks), self, {"verbose": 0, "steps": steps, "epochs": 1})
        listed.call("on_predict_begin", {})
        if is_batches(x):
            exclude_with_batches(mask=mask)
            parts = [self._predict_array(inputs, batch_size, None) for inputs in first_inputs(x, steps)]
            if not parts:
                raise no_batches("x")
            outputs = np.concatenate(parts)
        else:
            outputs = self._predict_array(x, batch_size, mask, steps)
        listed.call("on_predict_end", {})
        return outputs

    @check_keywords(**dict.fromkeys(("workers", "use_multiprocessing", "max_queue_size"), WORKERS))
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",  # noqa: ARG002
        sample_weight: npt.ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        mask: npt.ArrayLike | None = None,
    ) -> Any:
        """Compute the mean of the loss and the metrics, with dropout off.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            batch_size: As for `predict`.
            verbose: Ignored; for scripts written for Keras.
            sample_weight: As for `fit`.
            steps: As for `predict`.
            callbacks: Callbacks, whose `on_test_begin` and `on_test_end` are called.
            return_dict: Whether to return a dict by name.
            mask: As for `fit`.

        Returns:
            The loss, or a list of loss and metrics in the order of `metrics_names`, or a dict.

        Raises:
            NotFittedError: The model is not compiled.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
        """
        loss = self._compile_required().required_loss()
        steps = check_optional_positive_int(steps, "steps")
        listed = CallbackList(as_callbacks(callbacks), self, {"verbose": 0, "steps": steps, "epochs": 1})
        if is_batches(x):
            exclude_with_batches(batch_size, y=y, sample_weight=sample_weight, mask=mask)
            source: Source = self._batch_source(x, loss, steps, shuffle=False)
        else:
            self._take_shape(x)
            samples = self._valid(x, y, sample_weight, loss, mask=mask)
            source = self._evaluation_source(samples, batch_size, steps)
        listed.call("on_test_begin", {})
        logs = self._evaluate(source, loss)
        listed.call("on_test_end", logs)
        return logs if return_dict else self._values(logs)

    def train_on_batch(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one update, and return the loss and metrics of the batch as they were before it, as `evaluate` does.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            sample_weight: As for `fit`.
            class_weight: As for `fit`.
            return_dict: Whether to return a dict by name.

        Raises:
            NotFittedError: The model is not compiled.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            ConfigError: The training diverged.
        """
        loss = self._compile_required().required_loss()
        if class_weight is not None and sample_weight is not None:
            raise ConfigError("class_weight and sample_weight exclude each other", fix="Multiply them yourself.")
        if class_weight is not None:
            sample_weight = class_weights(class_weight, y)
        self._take_shape(x)
        samples = self._valid(x, y, sample_weight, loss)
        run = self._training_run(loss)
        run.leave_average()
        for _ in run.steps(ArraySource(samples, len(samples.x)).epoch(0)):
            pass
        logs = run.tracker.logs()
        return logs if return_dict else self._values(logs)

    def test_on_batch(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics of a batch, as `evaluate` does.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            sample_weight: As for `fit`.
            return_dict: Whether to return a dict by name.
        """
        return self.evaluate(x, y, ONE_BATCH, sample_weight=sample_weight, return_dict=return_dict)

    def predict_on_batch(self, x: npt.ArrayLike) -> Float32Array:
        """Return the outputs for a batch, as `predict` does."""
        return self.predict(x, ONE_BATCH)

    def _metric_directions(self) -> dict[str, str | None]:
        """Return by name whether less or more of a loss or metric is better; for callbacks with mode="auto"."""
        tracker = self._tracker()
        return {} if tracker is None else tracker.directions

    def _tracker(self) -> Tracker | None:
        """Return what accumulates the metrics; None before the model is compiled, and while its input is unknown."""
        if self._compiled is None or self._in_shape is None:
            return None
        return self._compiled.tracker(self._built()[0].shapes[-1])

    def _compile_required(self) -> Compiled:
        """Return what `compile` has set."""
        if self._compiled is None:
            fix = 'Call model.compile(loss="mean_squared_error", optimizer="adam") first.'
            raise NotFittedError("The model is not compiled", fix=fix)
        return self._compiled

    def _training_run(self, loss: Loss) -> fitting.TrainingRun:
        """Return what an epoch needs, with the state that the last call left."""
        network, weights = self._to_change()
        compiled = self._compile_required()
        transformation = compiled.optimizer.transformation(fitting.variable_sizes(weights))
        if self._training_state is None:
            self._training_state = TrainingState(transformation.init(weights.vector.size))
        compiled.optimizer.iterations = self._training_state.step
        tracker = compiled.tracker(network.shapes[-1])
        tracker.reset()
        loss = loss.for_outputs(network.shapes[-1])
        return fitting.TrainingRun(network, weights, loss, compiled.optimizer, self._training_state, self.seed, tracker)

    @contextmanager
    def _interruptible(self, callbacks: CallbackList, run: fitting.TrainingRun) -> Iterator[None]:
        """Begin and end the training; leave averaged weights, and tell callbacks about an interrupt."""
        self.stop_training, self._initial_epoch, self._run, run.state.batch = False, None, run, 0
        run.leave_average()
        try:
            callbacks.call("on_train_begin", {})
            yield
        except BaseException:
            self._finish(run)
            callbacks.call("on_interrupt")
            raise
        finally:
            self._run = None
            release_memory()

    def _finish(self, run: fitting.TrainingRun) -> None:
        """Leave the moving average of the weights, if the optimizer keeps one; another call goes on from before it."""
        average = ema_params(run.transformation, run.state.optimizer_state)
        if average is not None and run.state.step > 0:
            run.state.training_vector = run.weights.vector.copy()
            run.weights.vector[:] = average

    def _run_epochs(
        self,
        run: fitting.TrainingRun,
        source: Source,
        validation: Source | None,
        callbacks: CallbackList,
        numbers: tuple[int, int, int | frozenset[int]],
    ) -> None:
        """Train for some epochs, and call the callbacks."""
        first, last, frequency = numbers
        logs: dict[str, Any] = {}
        begin = first if self._initial_epoch is None else self._initial_epoch
        # After a restart from a backup, the call began some epochs ago.
        start = run.state.epoch - (begin - first)
        for epoch in range(begin, last):
            if run.state.batch == 0:
                run.tracker.reset()
            callbacks.call("on_epoch_begin", epoch, {})
            batches = source.epoch(run.state.epoch, run.state.batch, start)
            try:
                run.epoch(batches, callbacks, lambda: self.stop_training)
                logs = run.tracker.logs()
            except TrainingDiverged as error:
                logs = self._diverged(callbacks, error)
            if isinstance(source, BatchSource) and source.is_spent:
                self.stop_training = True
                warn_of_end(source, epoch)
                if source.count == 0:
                    break
            with fitting.averaged(run.weights, run.transformation, run.state):
                if validation is not None and is_due(epoch, frequency):
                    held_out = self._validate(validation, run, callbacks)
                    logs |= {f"val_{name}": value for name, value in held_out.items()}
                callbacks.call("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        self._finish(run)
        callbacks.call("on_train_end", logs)

    def _validate(self, validation: Source, run: fitting.TrainingRun, callbacks: CallbackList) -> dict[str, Any]:
        """Return loss and metrics of the validation data."""
        callbacks.call("on_test_begin", {})
        logs = self._evaluate(validation, run.loss)
        callbacks.call("on_test_end", logs)
        return logs

    def _diverged(self, callbacks: CallbackList, error: TrainingDiverged) -> dict[str, Any]:
        """Return the logs of an epoch whose loss is not finite, if a callback ends the training; else raise again."""
        if not any(isinstance(callback, TerminateOnNaN) and not callback.raise_error for callback in callbacks):
            raise error
        self.stop_training = True
        return {"loss": float("nan")}

    def _evaluate(self, source: Source, loss: Loss) -> dict[str, Any]:
        """Return loss and metrics by name."""
        network, weights = self._built()
        tracker = self._compile_required().tracker(network.shapes[-1])
        # The metrics of an epoch go on after an evaluation by a callback.
        with nullcontext() if self._run is None else self._run.tracker.set_aside():
            logs = fitting.evaluate(network, weights, source.epoch(0), loss.for_outputs(network.shapes[-1]), tracker)
        if isinstance(source, BatchSource) and source.is_spent:
            if source.count == 0:
                raise no_batches(source.name)
            warn_of_end(source)
        return logs | {"loss": logs["loss"] + penalty(weights, penalties(network))}

    def _predict_array(self, x: Any, batch_size: int | None, mask: Any, steps: int | None = None) -> Float32Array:
        """Return the outputs for an array, or for as many batches of it."""
        self._take_shape(x)
        self._take_steps(x)
        network, weights = self._built()
        size = check_optional_positive_int(batch_size, "batch_size")
        inputs, valid_mask = validate_inputs(self._join_x(x), network.shapes[0], mask=mask)
        if size is None and self._depends_on_batches(steps):
            size = self._default_batch_size(len(inputs), steps)
        if steps is not None and size is not None:
            inputs, valid_mask = inputs[: steps * size], None if valid_mask is None else valid_mask[: steps * size]
        n_samples, n_steps, _ = inputs.shape
        check_memory(network, min(size or inference_batch_size(n_steps), n_samples), n_steps)
        return training.predict(network, weights, inputs, valid_mask, size)

    def _values(self, logs: dict[str, Any]) -> Any:
        """Return the loss, or a list of loss and metrics in the order of `metrics_names`."""
        values = list(logs.values())
        return values[0] if len(values) == 1 else values
