"""Drawn faces."""
