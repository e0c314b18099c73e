"""Explain a fitted forecaster: gates, attributions, permutation importance."""
