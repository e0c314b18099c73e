"""Helpers without a subject of their own: argument checks, number formatting, types, versions."""
