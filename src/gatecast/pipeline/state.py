"""What `fit` returns, `save` writes and `predict` reads."""

from __future__ import annotations

from dataclasses import dataclass

from gatecast._utils.deferred import Deferred
from gatecast.data.panel import Panel
from gatecast.evaluation.calibration import ConformalCalibrator
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.results import Evaluation

__all__ = ["FittedState"]


@dataclass(frozen=True)
class FittedState:
    """A fitted forecaster.

    Args:
        panel: The series.
        season_length: Of seasonal naive and of MASE; models may use a longer one, `ensemble.task.season_length`.
        notes: What was noticed about the data, as sentences.
        ensemble: The models.
        calibrator: Weights of the models, and widths of the intervals.
        scored: Scores on the test part; None if there was none.
        training_history: Losses and validation errors of the first network.
        seconds: How long fitting took.
    """

    panel: Panel
    season_length: int
    notes: tuple[str, ...]
    ensemble: FittedEnsemble
    calibrator: ConformalCalibrator
    scored: Deferred[Evaluation] | None
    training_history: dict[str, list[float]]
    seconds: float

    @property
    def evaluation(self) -> Evaluation | None:
        """Scores on the test part, computed now if they were not before; None if there was none."""
        return None if self.scored is None else self.scored.value

    @property
    def horizon(self) -> int:
        """Steps that the models forecast."""
        return self.ensemble.task.horizon
