"""Splits, scores, backtests, conformal intervals, sample paths and significance tests."""
