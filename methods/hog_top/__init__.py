"""Histograms of oriented gradients on three orthogonal planes."""
