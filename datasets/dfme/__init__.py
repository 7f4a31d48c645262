"""DFME (Zhao et al. 2024): micro-expressions of hundreds of people at 200, 300 and 500 frames per second."""
