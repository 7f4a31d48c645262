"""Spotting by chance."""
