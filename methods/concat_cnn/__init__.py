"""Concat-CNN: windows of action units, classified by three parallel convolutions (Yang et al. 2021)."""
