"""One fold: samples, and Lightning's Trainer over the stages of a method."""

from mebench.training.fit import fit
from mebench.training.samples import MappedSamples, Samples, release, sample_negatives, window_labels
from mebench.training.watch import Classified

__all__ = ["Classified", "MappedSamples", "Samples", "fit", "release", "sample_negatives", "window_labels"]
