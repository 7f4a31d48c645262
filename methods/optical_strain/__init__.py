"""Spotting by optical strain, without training."""
