"""Layers that read features before time, ``data_format="channels_first"``: (F, T) instead of (T, F).

Packed arrays of such layers have features where others have steps, [nb, F, T, L]. The layers compute with time first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array
from gatecast.nn.layers.shapes import Shape

__all__ = ["DataFormat"]

FORMATS = (None, "channels_last", "channels_first")


class DataFormat:
    """What layers with an argument `data_format` share."""

    data_format: str | None

    @property
    def _features_first(self) -> bool:
        """Whether features come before time."""
        return self.data_format == "channels_first"

    def _check_data_format(self) -> None:
        """Raise an error for an unknown format."""
        if self.data_format not in FORMATS:
            raise ConfigError(
                "Invalid data_format",
                where=type(self).__name__,
                got=repr(self.data_format),
                expected="'channels_last', which is (samples, time, features), or 'channels_first'",
                fix="Leave it out for (samples, time, features).",
            )

    def _time_first(self, shape: Shape) -> Shape:
        """Return a shape with time first, and the other way round: two axes are swapped, if they have to be."""
        return (shape[1], shape[0]) if self._features_first and len(shape) == 2 else shape

    def features_of(self, shape: Shape) -> int | None:
        """Return the number of features of a sample."""
        return self._time_first(shape)[-1]

    def _check_axes(self, in_shape: Shape) -> None:
        """Raise an error for an input without time axis, or with an open number of features."""
        if len(in_shape) != 2:
            fix = (
                "Set return_sequences=True in the recurrent layer before it; the first layer takes x as "
                "(samples, time, features)."
            )
            expected = "(features, time)" if self._features_first else "(time, features)"
            raise ConfigError("Invalid input shape", where=repr(self), got=str(in_shape), expected=expected, fix=fix)
        if self.features_of(in_shape) is None:
            fix = 'With data_format="channels_first" the number of steps stands last, and both are known.'
            raise ConfigError("Unknown number of features", where=repr(self), got=str(in_shape), fix=fix)

    def _swapped(self, x: Any) -> Any:
        """Return a packed array with time first, and the other way round; None stays None."""
        if x is None or not self._features_first:
            return x
        swapped: Array = np.ascontiguousarray(x.transpose(0, 2, 1, 3))
        return swapped
