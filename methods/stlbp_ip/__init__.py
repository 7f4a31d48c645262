"""Spatiotemporal local binary patterns with integral projection."""
