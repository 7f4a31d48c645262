"""TSMSNet: scores of frames, then whether what lies between two intervals belongs together (MEGC 2021)."""
