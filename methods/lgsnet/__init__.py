"""LGSNet: anchor-free and anchor-based intervals in windows of a video (Yu et al. 2023)."""
