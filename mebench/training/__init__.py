"""One fold: samples, and Lightning's Trainer over the stages of a method."""

from mebench.training.fit import fit
from mebench.training.samples import Samples, sample_negatives, window_labels

__all__ = ["Samples", "fit", "sample_negatives", "window_labels"]
