"""CASME II (Yan et al. 2014): micro-expressions at 200 frames per second in short clips."""
