"""Median onset error."""
