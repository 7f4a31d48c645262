"""Apex in the frequency domain: how fast the texture of blocks of the face changes within a sliding window."""
