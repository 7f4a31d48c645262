"""Local binary patterns on three orthogonal planes."""
