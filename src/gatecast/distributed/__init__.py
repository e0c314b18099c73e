"""Forecasts and fits of data sets of a cluster: Ray and Spark behind one small interface."""
