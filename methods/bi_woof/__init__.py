"""Bi-WOOF: bi-weighted oriented optical flow between onset and apex, and a linear SVM."""
