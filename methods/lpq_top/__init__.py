"""Local phase quantisation on three orthogonal planes."""
