"""SMIC-HS (Li et al. 2013): micro-expressions before a high-speed camera, 100 frames per second."""
