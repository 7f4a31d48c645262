"""Boxes around faces: their size, overlap and distance."""

import numpy as np

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, `x1` and `y1` exclusive."""

FloatBox = tuple[float, float, float, float]


def common_box(a: Box | FloatBox, b: Box | FloatBox) -> FloatBox:
    """The overlap of two boxes; its edges are swapped if they do not overlap."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def distance_in_widths(a: Box | FloatBox, b: Box) -> float:
    """Distance of the middles of two boxes, in widths of the first."""
    across = (a[0] + a[2] - b[0] - b[2]) / 2
    down = (a[1] + a[3] - b[1] - b[3]) / 2
    return float(np.hypot(across, down) / max(a[2] - a[0], 1))


def clip_to_frame(box: Box, width: int, height: int) -> Box:
    """The part of a box inside a frame."""
    x0, y0, x1, y1 = box
    return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)


def box_area(box: Box | FloatBox) -> float:
    """Square pixels; 0 for a box that is turned inside out."""
    x0, y0, x1, y1 = box
    return max(x1 - x0, 0) * max(y1 - y0, 0)


def box_iou(a: Box | FloatBox, b: Box | FloatBox) -> float:
    """Intersection over union of two boxes, 0 if either has no area."""
    common = box_area(common_box(a, b))
    return common / (box_area(a) + box_area(b) - common) if common else 0.0


def enlarge_box(box: Box | FloatBox, margin: float) -> FloatBox:
    """A box with a fraction of its width and height added on each side."""
    x0, y0, x1, y1 = box
    across = margin * (x1 - x0)
    down = margin * (y1 - y0)
    return x0 - across, y0 - down, x1 + across, y1 + down
