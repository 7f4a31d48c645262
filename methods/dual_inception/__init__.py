"""Dual-Inception: two streams of two inception blocks on horizontal and vertical flow."""
