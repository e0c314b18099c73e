"""The HTTP server of forecasts: `gatecast serve`."""
