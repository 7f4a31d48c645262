"""The named choices of spotting."""

from __future__ import annotations

from typing import Literal, get_args

Rule = Literal["paper", "released_code"]
Smoothing = Literal["average", "gaussian_1", "gaussian_3", "exponential_1", "exponential_3", "none"]
Threshold = Literal["relative", "absolute"]
Interval = Literal["fixed", "score_curve"]

RULES: tuple[Rule, ...] = get_args(Rule)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
"""Ways of smoothing that the command line can name."""
THRESHOLDS: tuple[Threshold, ...] = get_args(Threshold)
INTERVALS: tuple[Interval, ...] = get_args(Interval)
