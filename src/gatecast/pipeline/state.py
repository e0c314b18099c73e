"""What `fit` returns, `save` writes and `predict` reads."""

from __future__ import annotations

from dataclasses import dataclass

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
        evaluation: Scores on the test part; None if there was none.
        training_history: Losses and validation errors of the first network.
        seconds: How long fitting took.
    """

    panel: Panel
    season_length: int
    notes: tuple[str, ...]
    ensemble: FittedEnsemble
    calibrator: ConformalCalibrator
    evaluation: Evaluation | None
    training_history: dict[str, list[float]]
    seconds: float

    @property
    def horizon(self) -> int:
        """Steps that the models forecast."""
        return self.ensemble.task.horizon
