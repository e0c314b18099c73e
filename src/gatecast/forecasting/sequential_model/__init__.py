"""A user's own `Sequential` as a forecasting model."""
