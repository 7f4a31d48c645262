"""TSMSNet: scores of frames, then a decision whether two neighbouring intervals belong together (MEGC 2021)."""
