"""Local temporal patterns and their fusion on plain arrays, as in the authors' program (samm/*.m, function/*.m)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .regions import BROWS, MOUTH, NOSE, POINTS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def windows(n: int, length: int, reach: int) -> list[tuple[int, int]]:
    """First frame of each window and that after its last; the next one begins `reach` frames before the end.

    A remainder of at most `reach` frames belongs to the window before it and forms no window of its own.

    >>> windows(60, 30, 9), windows(5, 30, 9)
    ([(0, 30), (21, 51), (42, 60)], [(0, 5)])
    """
    starts = [start for start in range(0, n, length - reach) if start == 0 or n - start > reach]
    return [(start, min(start + length, n)) for start in starts]


def patterns(pixels: Floats, reach: int, cn_limit: float) -> Floats:
    """How far a region moves from each frame on, in the plane of its two main components.

    Args:
        pixels: of a region in a window, (n, pixels).
        reach: number of frames after a frame that are used.
        cn_limit: see below.

    Returns:
        (n, 1 + reach): the inverse of the largest distance within half the reach, `cn_limit` at most, and the distances to the next
        frames as parts of the largest; 0 beyond the window, and throughout where nothing moves.
    """
    n = len(pixels)
    left, singular, _ = np.linalg.svd(pixels - pixels.mean(0), full_matrices=False)
    places = np.zeros((n, 2))
    moves = singular[:2] > 1e-9 * max(float(singular[0]), 1.0)
    places[:, : len(moves)] = left[:, :2] * moves
    distances = np.zeros((n, reach))
    for ahead in range(1, min(reach, n - 1) + 1):
        distances[: n - ahead, ahead - 1] = np.linalg.norm(places[ahead:] - places[:-ahead], axis=1)
    largest = float(distances[:, : max(reach // 2, 1)].max(initial=0))
    if largest == 0:
        return np.hstack([np.full((n, 1), cn_limit), distances])
    return np.hstack([np.full((n, 1), min(cn_limit, 1 / largest)), distances / largest])


def regions_of(units: Sequence[str]) -> list[int]:
    """Regions where action units can appear: the brows for units below 6, the mouth from 10 on, else all.

    >>> regions_of(("1", "R2")), regions_of(("12",)), regions_of(("4", "12")) == regions_of(()) == list(range(12))
    ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11], True)
    """
    numbers = [int(digits) for unit in units if (digits := "".join(filter(str.isdigit, unit)))]
    every = range(len(POINTS))
    if numbers and max(numbers) < 6:
        return list(every[BROWS])
    return list(every[MOUTH] if numbers and min(numbers) >= 10 else every)


def typical(rows: Floats, onset: int, allowed: Sequence[int], intensity: float) -> list[int]:
    """The regions, two at most, that rise and fall after an onset as an expression does.

    Args:
        rows: patterns of all regions in a window, (regions, n, 1 + reach).
        onset: frame of the window.
        allowed: regions to choose from.
        intensity: part of its largest movement that a region must reach within half the reach.
    """
    ahead, cn = rows[:, onset, 1:], rows[:, 0, 0]
    middle = math.ceil(ahead.shape[1] / 2)
    found = []
    for region in allowed:
        rise, fall = ahead[region, :middle], ahead[region, middle - 1 :]
        if rise.max() < intensity or cn[region] > cn.mean() or (fall == 0).any():
            continue
        if (middle == 1 or _slope(rise) > 0) and (len(fall) == 1 or _slope(fall) <= 0):
            found.append(region)
    return sorted(found, key=lambda region: -float(ahead[region, :middle].max()))[:2]


def _slope(values: Floats) -> float:
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])


def learnt_frames(n: int, onset: int, lead: int, sample: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Frames of a window that are learnt, and whether a pattern begins there: in the `lead` frames up to the onset.

    Of the blocks of `sample` frames before and after them only the last frame is kept, so that movement is not too rare.

    >>> [part.tolist() for part in learnt_frames(40, 20, 3, 8)]
    [[7, 15, 16, 17, 18, 19, 20, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 38, 39], [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    """
    kept = np.ones(n, bool)
    for block in range(1, n // sample + 1):
        if block * sample <= onset - lead:
            kept[(block - 1) * sample : block * sample - 1] = False
        elif block * sample > onset + 1 and (block + 1) * sample < n:
            kept[block * sample : (block + 1) * sample - 1] = False
    frames = np.flatnonzero(kept)
    return frames, ((frames > onset - lead) & (frames <= onset)).astype(np.int64)


def supported(hits: Bools, span: int, least: int) -> Bools:
    """Hits without the groups of at most `least`, if there is a larger one; a group begins at a hit and reaches `span`
    frames further.
    """
    kept, groups, frame = hits.copy(), list[tuple[int, int]](), 0
    while frame < len(hits):
        if hits[frame]:
            groups.append((frame, int(hits[frame : frame + span + 1].sum())))
            frame += span
        frame += 1
    if any(count > least for _, count in groups):
        for first, count in groups:
            if count <= least:
                kept[first : first + span + 1] = False
    return kept


def fused(hits: Bools, rows: Floats, intensity: float, spans: tuple[int, int], reach: int) -> tuple[Bools, Bools]:
    """The frames of a window that begin a movement of the face, (n,), and the regions, (regions, n).

    Args:
        hits: the SVM's decision for each region and frame, (regions, n).
        rows: their patterns, (regions, n, 1 + reach).
        intensity: part of its largest movement that a pattern must reach.
        spans: frames within which hits of a region, and of the face, support each other.
        reach: frames of a pattern.
    """
    cn = rows[:, 0, 0]
    own = hits & (cn <= cn.mean())[:, None] & (rows[..., 1:].max(2) >= intensity)
    own = np.stack([supported(one, spans[0], 2) for one in own])
    # A movement of all brows is one of the head; so is one of the whole nose.
    own[:, (hits[BROWS].sum(0) > 5) | (hits[NOSE].sum(0) >= 2)] = False
    return supported(np.asarray(own.any(0)), spans[1], reach // 9), own


def intervals(hits: Bools, span: int, least: int) -> list[tuple[int, int]]:
    """First and last hit of each stretch of `span` frames that has at least `least`; both inclusive."""
    found = []
    for start in range(0, len(hits), span):
        frames = np.flatnonzero(hits[start : start + span]) + start
        if len(frames) >= least:
            found.append((int(frames[0]), int(frames[-1])))
    return found
