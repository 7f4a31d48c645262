"""ActionFormer: anchor-free intervals from a pyramid of local attention (Zhang et al. 2022)."""
