"""mebench: the benchmark suite for facial micro-expressions."""

__version__ = "0.1.0"
