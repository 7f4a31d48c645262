"""One fold: samples, and Lightning's Trainer over the stages of a method."""

from mebench.training.fit import Classified, fit
from mebench.training.samples import MappedSamples, Samples, release, sample_negatives, vote, window_labels

__all__ = ["Classified", "MappedSamples", "Samples", "fit", "release", "sample_negatives", "vote", "window_labels"]
