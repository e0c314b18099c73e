"""Inspection of networks: gates and states, attributions, memory of units."""
