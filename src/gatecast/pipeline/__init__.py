"""Fit, update and cross-validate a forecaster; its state and its file."""
