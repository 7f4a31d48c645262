"""SMIC-VIS (Li et al. 2013): micro-expressions before a camera of visible light, 25 frames per second."""
