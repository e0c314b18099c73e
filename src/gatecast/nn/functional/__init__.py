"""Functional models: graphs of layers."""
