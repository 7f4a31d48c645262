"""Standardised maps and one linear layer."""
