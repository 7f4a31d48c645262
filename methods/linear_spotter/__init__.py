"""The floor of spotting: ridge regression on what moves where."""
