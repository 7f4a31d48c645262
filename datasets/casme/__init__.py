"""CASME (Yan et al. 2013): micro-expressions at 60 frames per second in short clips."""
