"""What a network of the user's own shows of itself: its gates, and what its outputs are made of."""

from __future__ import annotations

import numpy.typing as npt

from gatecast.nn.inspection.attributions import Attribution, integrated_gradients
from gatecast.nn.inspection.trace import Trace, trace
from gatecast.nn.network import Network, Weights

__all__ = ["Transparent"]


class Transparent:
    """A network that can be looked into."""

    def _built(self) -> tuple[Network, Weights]:
        """Network and weights."""
        raise NotImplementedError

    def trace(self, x: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> Trace:
        """What the gates of every recurrent layer did over sequences.

        Args:
            x: As for `predict`.
            mask: As for `fit`.

        Returns:
            Gates and states by layer; `table()` makes one row for each layer, unit and time of them.

        Raises:
            ConfigError: No recurrent layer.
            DataError: An array that does not fit or holds NaN or infinity.
            NotFittedError: The shape of the input is not known.
        """
        return trace(*self._built(), x, mask)

    def explain(
        self, x: npt.ArrayLike, output: int = 0, *, baseline: npt.ArrayLike = 0.0, points: int = 64
    ) -> Attribution:
        """What every input adds to one output, by integrated gradients: the parts sum up to output less baseline.

        Args:
            x: As for `predict`.
            output: Which of the outputs; of a network that gives every step, at the last one.
            baseline: What x is compared with: a number, or anything that broadcasts to x.
            points: Of the integral.

        Returns:
            `values` of the shape of x, `output` and `baseline` (N,), and `gap` (N,), by which the sum is missed.

        Raises:
            ConfigError: No such output.
            DataError: An array that does not fit or holds NaN or infinity.
            NotFittedError: The shape of the input is not known.

        Source: Sundararajan, Taly & Yan 2017. More ways: `gatecast.nn.inspection.attributions`.
        """
        return integrated_gradients(*self._built(), x, output, baseline=baseline, points=points)
