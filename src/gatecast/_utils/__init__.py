"""Helpers of all packages: argument checks, types, formatting, the file container, versions."""
