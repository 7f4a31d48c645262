"""The embedded synthetic dataset: drawn faces that are moved by action units, so that everything runs without any download."""
