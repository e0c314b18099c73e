"""Looking inside a forecaster: gates, memory, attributions, which columns it needs."""

from __future__ import annotations

from typing import Any

from gatecast.base import Base
from gatecast.evaluation.learning_curves import Diagnosis, diagnose_fit
from gatecast.explain.forecast_attribution import Explanation, explain
from gatecast.explain.gates import Gates, find_series, inspect_network
from gatecast.explain.inspector import Inspector
from gatecast.explain.permutation_importance import Importance, permutation_importance
from gatecast.nn.inspection.unit_memory import UnitMemory
from gatecast.pipeline.fit import prepare_panel

__all__ = ["Insight"]


class Insight(Base):
    """What a fitted forecaster can say of its networks."""

    def gates(self, source: Any = None, *, id: Any = None, member: int = 0, futr_df: Any = None) -> Gates:
        """What the gates of a network do while it reads a series, exactly as it reads it to forecast what comes.

        Args:
            source: As for `predict`.
            id: Name of the series; None: the first that has values.
            member: Which of the networks: those of the first model that has some, then those of the next.
            futr_df: As for `predict`.

        Returns:
            Gates and states by layer, `memory` about the units, and `table()`: id, time, value, layer, unit, i, f, o,
            g, c, h.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series or member, or a model without recurrent layers.
            DataError: As `predict`, or a series shorter than the window of the network.
        """
        panel, history, kind = self._ahead(source, self._fitted().h, futr_df)
        return inspect_network(self._fitted(), panel, history, find_series(panel, id), member, kind)

    def unit_memory(self, source: Any = None, *, id: Any = None, member: int = 0, futr_df: Any = None) -> UnitMemory:
        """How long the units of a network remember, which do nothing, and what the others follow; as `gates`."""
        return self.gates(source, id=id, member=member, futr_df=futr_df).unit_memory

    def explain(
        self,
        source: Any = None,
        *,
        id: Any = None,
        step: int = 1,
        quantile: float = 0.5,
        method: str = "integrated",
        futr_df: Any = None,
    ) -> Explanation:
        """How much each past value and each column adds to one number of a forecast by the networks.

        Args:
            source: As for `predict`.
            id: Name of the series; None: the first that has values.
            step: Which step ahead, from 1.
            quantile: One that was learnt: 0.025, 0.1, 0.5, 0.9 or 0.975.
            method: "integrated" gradients, which sum to forecast less baseline; "gradient" or "occlusion".
            futr_df: As for `predict`.

        Returns:
            Forecast and baseline, `table` with an attribution for each value read, `sentence`.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series, step, quantile or method, or a model without networks.
            DataError: As `predict`.
        """
        panel, history, _ = self._ahead(source, self._fitted().h, futr_df)
        return explain(self._fitted(), panel, history, find_series(panel, id), step, quantile, method)

    def _inspector(self, source: Any = None, futr_df: Any = None) -> Inspector:
        """Prepare the series once, to inspect many of them."""
        panel, context, _ = self._ahead(source, self._fitted().h, futr_df)
        return Inspector(self._fitted(), panel, context)

    def permutation_importance(
        self, source: Any, *, n_windows: int = 4, step_size: int | None = None, n_repeats: int = 5
    ) -> Importance:
        """By how much errors grow when a column beside the series is mixed up, on values that models have not seen.

        Args:
            source: As for `fit`.
            n_windows: Past cutoffs, at the first of which everything is learnt anew.
            step_size: Steps from one cutoff to the next; h by default.
            n_repeats: How often each column is mixed up.

        Returns:
            `table` with the increase of the error by column, in percent, and `sentence`.

        Raises:
            ConfigError: Series without columns.
            DataError: Series too short for so many cutoffs.
        """
        panel = prepare_panel(self._read(source)[0], [], self.data)
        return permutation_importance(
            panel, self._asked(), n_windows=n_windows, step_size=step_size, n_repeats=n_repeats
        )

    def learning_curves(self) -> Diagnosis:
        """How the first network learnt: its curves, whether it overfits, from which step on, and what to do about it.

        Returns:
            `curves` (step, loss; validation_step, validation and training errors), `kind`, `began`, `sentence`.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: A model without networks.
        """
        return diagnose_fit(self._fitted())
