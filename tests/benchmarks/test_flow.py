"""The motions that flow is measured against: what is shown moves as it says."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from benchmarks.flow import ALGORITHMS, AROUND, CONDITIONS, SIZE, beside_opencv, faces, motions, moved, textures


def carried(second, motion):
    """The second image fetched back to where each pixel of the first one was."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return map_coordinates(second, [y + motion[..., 1], x + motion[..., 0]], order=3, mode="nearest")


@pytest.mark.parametrize(("name", "motion"), list(motions()), ids=[name for name, _ in motions()])
def test_flow_texture_follows_stated_motion(name, motion):
    texture = textures(0)
    first = texture[AROUND:-AROUND, AROUND:-AROUND]
    second = moved(texture, motion)
    inside = (slice(8, -8), slice(8, -8))
    left = np.abs(carried(second, motion) - first)[inside].mean()
    assert left < (0.1 * np.abs(second - first)[inside].mean() if motion.any() else 1e-9)


def test_flow_drawn_face_follows_muscles():
    ((_, still, _, apex, motion),) = faces(1)
    moves = np.linalg.norm(motion, axis=-1) > 0.1
    assert moves.any()
    assert np.abs(carried(apex, motion) - still)[moves].mean() < 0.5 * np.abs(apex - still)[moves].mean()


def test_flow_errors_compare_pair_by_pair(capsys):
    errors = {how: {a: [1.0, 2.0, 3.0] for a in ALGORITHMS} for how in CONDITIONS}
    for how in CONDITIONS:
        errors[how]["tvl1"] = [1.1, 2.2, 3.3]  # .1, .2 and .3 more
    beside_opencv({"where it moves": errors})
    more, equal, _ = capsys.readouterr().out.splitlines()[3:]
    # of three pairs, t(2) = 4.303: .2 -+ 4.303 * .1 / sqrt(3)
    assert more == "| where it moves: `tvl1` | +0.20000 | [-0.04841, +0.44841] | +0.30000 |"
    assert equal == "| where it moves: `tvl1_eps05` | +0.00000 | [+0.00000, +0.00000] | +0.00000 |"
