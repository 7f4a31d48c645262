"""Histograms of image gradient orientation on three orthogonal planes."""
