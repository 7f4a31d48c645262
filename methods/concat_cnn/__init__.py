"""Concat-CNN: windows of action units, told apart by three convolutions side by side (Yang et al. 2021)."""
