"""MEAN: the Micro-Expression Analysis Network, spot then recognise."""
