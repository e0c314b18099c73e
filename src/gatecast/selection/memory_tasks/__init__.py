"""Synthetic tasks that need a memory."""
