"""Histograms of oriented optical flow, and a linear SVM."""
