"""Compiled kernels, the float64 equations that define them, and the layout of packed arrays."""
