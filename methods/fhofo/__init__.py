"""Fuzzy histograms of optical flow orientations, and a linear SVM."""
