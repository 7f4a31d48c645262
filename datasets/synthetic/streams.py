"""Random streams that depend on integers alone, so that any frame can be drawn at any time, anywhere."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """The purpose of a stream. Each has its own, so that a change of one setting leaves everything else unchanged."""

    LOOKS = 1
    TEXTURE = 2
    EXPRESSIVITY = 3
    MICRO = 4
    MACRO = 5
    TWITCHES = 6
    SPEECH = 7
    BLINKS = 8
    HEAD = 9
    LIGHT = 10
    JITTER = 11
    NOISE = 12
    LANDMARKS = 13
    PLACES = 14
    TALK = 15


def stream(purpose: Purpose, *integers: int) -> np.random.RandomState:
    """A generator seeded by the purpose and integers in [0, 2**32).

    `RandomState` is NumPy's frozen legacy stream (NEP 19): its numbers never change with NumPy's version.
    """
    return np.random.RandomState([int(purpose), *integers])
