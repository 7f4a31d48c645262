"""SMIC-NIR (Li et al. 2013): micro-expressions before a near-infrared camera, 25 frames per second."""
