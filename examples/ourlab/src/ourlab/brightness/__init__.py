"""Spotting by brightness."""
