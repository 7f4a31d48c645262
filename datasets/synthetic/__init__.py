"""The embedded synthetic dataset: drawn faces, moved by action units, that need no download."""
