"""Forecasting models: one protocol, a registry, and one file or folder for each model."""
