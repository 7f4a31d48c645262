"""Hand-made features with a linear SVM: each against a plain reading, voxel by voxel, as the public programs count."""

from cmath import exp
from itertools import pairwise
from math import atan2, cos, dist, floor, hypot, pi, sin

import cv2
import numpy as np
import pytest
from mebench.methods.fhofo.method import FhofoSvm
from mebench.methods.fhofo.steps import Fhofo
from mebench.methods.hoof.method import HoofSvm
from mebench.methods.lbp_sip.steps import LbpSip
from mebench.methods.lpq_top.steps import LpqTop
from mebench.methods.mdmo.method import MdmoSvm
from mebench.methods.mdmo.steps import FlowSinceOnset, Mdmo, regions
from mebench.methods.stlbp_ip.steps import StlbpIp
from skimage.feature import local_binary_pattern

from mebench.errors import ConfigError, DataError
from mebench.features import Flow, Hoof, OrientedFlow


def clip(n=6, height=14, width=17, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width)).astype(np.uint8)


def test_LbpSip_counts_brighter_neighbours_in_space_and_time():
    volume = clip().astype(int)
    counts = np.zeros(20)
    for t in range(1, 5):
        for y in range(1, 13):
            for x in range(1, 16):
                centre = volume[t, y, x]
                here = [volume[t, y + 1, x], volume[t, y, x + 1], volume[t, y - 1, x], volume[t, y, x - 1]]
                then = [volume[t - 1, y, x], volume[t + 1, y, x]]
                counts[sum((v > centre) << i for i, v in enumerate(here))] += 1
                counts[16 + sum((v > centre) << i for i, v in enumerate(then))] += 1
    np.testing.assert_allclose(LbpSip(1, 1).apply(clip()).ravel(), counts / (4 * 12 * 15), atol=1e-6)


def lpq_codes(picture, w, in_time):
    """The codes of a picture (rows, columns) by the authors' MATLAB program LPQ_TOP.m (2010), pixel by pixel."""
    half = w // 2
    places = [(i, j) for j in range(w) for i in range(w)]  # column by column
    one = [1] * w
    wave = [exp(-2j * pi * (k - half) / w) for k in range(w)]
    back = [z.conjugate() for z in wave]
    filters = [(one, wave), (wave, one), (wave, wave), (wave, back)]
    rows = []
    for a, b in filters:
        q = [a[i] * b[j] for i, j in places]
        rows += [[z.real for z in q][::-1], [z.imag for z in q][::-1]]
    m = np.array(rows)
    apart = [[abs(p[0] - q[0]) + abs(p[1] - q[1]) if in_time else dist(p, q) for q in places] for p in places]
    a = np.diag([1.000007, 1.000006, 1.000005, 1.000004, 1.000003, 1.000002, 1.000001, 1])
    v = np.linalg.svd(a @ m @ 0.1 ** np.array(apart) @ m.T @ a)[2].T
    v = v * np.sign(v[np.abs(v).argmax(0), range(8)])  # a vector's sign is the library's choice
    codes = []
    for y in range(half, picture.shape[0] - half):
        for x in range(half, picture.shape[1] - half):
            values = []
            for p, q in filters:  # a convolution: the filter is turned around
                total = sum(
                    picture[y + i - half, x + j - half] * p[w - 1 - i] * q[w - 1 - j]
                    for i in range(w)
                    for j in range(w)
                )
                values += [total.real, total.imag]
            turned = np.array(values) @ v
            codes.append(sum(int(value >= 0) << bit for bit, value in enumerate(turned)))
    return codes


def test_LpqTop_equals_program_of_authors():
    volume = clip(n=5, height=8, width=7).astype(float)
    piles = (
        [lpq_codes(volume[t], 3, False) for t in range(5)],
        [lpq_codes(volume[:, y].T, 3, True) for y in range(8)],
        [lpq_codes(volume[:, :, x].T, 3, True) for x in range(7)],
    )
    expected = [np.bincount(np.ravel(pile), minlength=256) / np.size(pile) for pile in piles]
    found = LpqTop(1, 1, window=3, window_t=3).apply(clip(n=5, height=8, width=7))

    np.testing.assert_allclose(found.reshape(3, 256), expected, atol=1e-6)


def line_patterns(line):
    """The public program's LBP_1D with nine points: the first neighbour is the highest bit."""
    counts = np.zeros(256)
    for i in range(4, len(line) - 4):
        neighbours = [*line[i - 4 : i], *line[i + 1 : i + 5]]
        counts[int("".join("1" if v >= line[i] else "0" for v in neighbours), 2)] += 1
    return counts / (len(line) - 8)


@pytest.mark.parametrize("average", ["mean", "released_code"])
def test_StlbpIp_equals_public_program(average):
    volume = clip(n=7).astype(int)
    moved = volume[1:] - volume[0]
    rows, columns = moved.sum(2), moved.sum(1)
    lines = [np.concatenate([line_patterns(h), line_patterns(v)]) for h, v in zip(rows, columns)]
    expected = np.zeros(512)
    for one in lines:
        expected = expected + one / 6 if average == "mean" else (expected + one) / 6
    found = StlbpIp(1, 1, average=average).apply(clip(n=7)).ravel()
    np.testing.assert_allclose(found[:512], expected, atol=1e-6)
    for image, part in ((rows, found[512:571]), (columns, found[571:])):
        inner = local_binary_pattern(image, 8, 1, "nri_uniform")[1:-1, 1:-1].astype(int)
        np.testing.assert_allclose(part, np.bincount(inner.ravel(), minlength=59) / inner.size, atol=1e-6)


def fuzzy_histogram(flow, fine, bins, sigma, weighted):
    """The public MATLAB programs hist_fine2coarseMapping.m and calFuzzyHist.m, vector by vector."""
    middle = floor(fine / 2 + 0.5)
    first = np.roll([np.exp(-((x - middle) ** 2) / (2 * sigma**2)) for x in range(1, fine + 1)], middle)
    parts = np.array([np.roll(first, i) for i in range(fine)]).T
    parts = parts[[floor(1 + j * (fine - 1) / (bins - 1) + 0.5) - 1 for j in range(bins)]]
    counts = np.zeros(fine)
    for u, v in flow.reshape(-1, 2).astype(float):
        if length := hypot(u, v):
            ends = (i for i in range(fine) if atan2(v, u) <= -pi + (i + 1) * 2 * pi / fine + 1e-12)
            counts[next(ends)] += length if weighted else 1
    made = parts @ counts
    return made / (np.finfo(float).eps + made.sum())


@pytest.mark.parametrize(("fine", "bins", "sigma"), [(50, 18, 10.0), (36, 10, 2.0), (25, 7, 3.0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_Fhofo_equals_public_program(fine, bins, sigma, weighted):
    flow = np.random.default_rng(0).normal(size=(9, 12, 2)).astype(np.float32)
    flow[0, :5] = (0, 0), (1, 0), (-1, 0), (0, 2), (0, -2)  # on the edges of bins, and no motion
    found = Fhofo(3, 2, bins, fine, sigma, weighted).histogram(flow)
    for row in range(3):
        for col in range(2):
            block = flow[3 * row : 3 * row + 3, 6 * col : 6 * col + 6]
            expected = fuzzy_histogram(block, fine, bins, sigma, weighted)
            np.testing.assert_allclose(found[row, col], expected, atol=1e-12)


def test_Fhofo_adds_or_joins_frames():
    volume = clip(height=30, width=33)
    flows = [cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 5, 7, 1.5, 0) for a, b in pairwise(volume)]
    each = [fuzzy_histogram(flow, 50, 18, 10.0, False) for flow in flows]
    np.testing.assert_allclose(Fhofo(1, 1).apply(volume).ravel(), sum(each), atol=1e-5)
    np.testing.assert_allclose(Fhofo(1, 1, frames="joined").apply(volume).ravel(), np.concatenate(each), atol=1e-5)


def test_Fhofo_reads_directions_alone():
    flow = np.random.default_rng(0).normal(size=(8, 8, 2)).astype(np.float32)
    np.testing.assert_array_equal(Fhofo().histogram(flow), Fhofo().histogram(4 * flow))
    longer = flow.copy()
    longer[0, 0] *= 4
    assert not np.array_equal(Fhofo(weighted=True).histogram(flow), Fhofo(weighted=True).histogram(longer))
    assert not Fhofo(frames="joined").apply(np.full((3, 32, 32), 9, np.uint8)).any()


def face(size=64):
    """68 landmarks of a plain face: outline, brows, nose, eyes and lips."""
    around = [(0.5 - 0.4 * cos(pi * i / 16), 0.4 + 0.5 * sin(pi * i / 16)) for i in range(17)]
    brows = [(x, 0.28 - 0.04 * (i in (1, 2, 3))) for i, x in enumerate([0.2, 0.26, 0.32, 0.38, 0.44])]
    brows += [(1 - x, y) for x, y in brows[::-1]]
    nose = [(0.5, y) for y in (0.4, 0.46, 0.52, 0.58)] + [(x, 0.62) for x in (0.42, 0.46, 0.5, 0.54, 0.58)]
    eyes = [
        (c + 0.06 * cos(pi - i * pi / 3), 0.38 - 0.03 * sin(pi - i * pi / 3)) for c in (0.32, 0.68) for i in range(6)
    ]
    lips = [
        (0.5 - r * cos(pi * i / n), 0.74 - r / 2 * sin(pi * i / n))
        for r, n in ((0.14, 6), (0.1, 4))
        for i in range(2 * n)
    ]
    return size * np.array(around + brows + nose + eyes + lips)


def main_motions(flows, region, bins):
    """Length and angle of the main motion of each of 36 regions, vector by vector (MDMO.py of AU_R-CNN, f5b02eb)."""
    sums = np.zeros((36, 2))
    for flow in flows:
        for number in range(36):
            polar = [(hypot(u, v), atan2(v, u) % (2 * pi)) for u, v in flow[region == number]]
            counts = np.histogram([angle for _, angle in polar], np.linspace(0, 2 * pi, bins + 1))[0]
            low = counts.argmax() * 2 * pi / bins
            chosen = [p for p in polar if low <= p[1] < low + 2 * pi / bins]
            length, angle = np.mean(chosen, axis=0) if chosen else (0, 0)
            sums[number] += length * cos(angle), length * sin(angle)
    lengths = np.hypot(*sums.T)
    return np.stack([lengths / lengths.max(), np.arctan2(sums[:, 1], sums[:, 0])], -1)


@pytest.mark.parametrize("bins", [4, 8])
def test_Mdmo_is_mean_of_fullest_direction(bins):
    flows = np.random.default_rng(0).normal(size=(3, 64, 64, 2)).astype(np.float32)
    joined = np.moveaxis(flows, 0, 2).reshape(64, 64, 6)
    found = Mdmo(bins, still_head=False).apply(joined, face())
    expected = main_motions(flows.astype(float), regions(face(), 64, 64), bins)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


def test_Mdmo_regions_cover_face_at_their_places():
    region = regions(face(128), 128, 128)
    assert set(np.unique(region)) == {-1, *range(36)}
    middles = np.array([np.argwhere(region == i).mean(0) for i in range(36)])
    assert middles[:6, 0].max() < middles[14:20, 0].min() < middles[20:24, 0].min() < middles[32:, 0].min()  # downwards
    assert (np.diff(middles[14:20, 1]) > 0).all()  # a row from left to right
    np.testing.assert_array_equal(regions(face(128) + 300, 128, 128), -1)  # a face beyond the map


def test_Mdmo_ignores_motion_of_head():
    """A flow that turns and moves the whole map leaves nothing; what a region does beside it stays."""
    y, x = np.mgrid[:64, :64]
    head = np.stack([0.03 * y - 2, -0.03 * x + 1], -1).astype(np.float32)
    still = Mdmo().apply(np.zeros((64, 64, 2), np.float32), face())
    there = regions(face(), 64, 64) == 7
    assert not still.any()
    moved = head.copy()
    moved[there] += (0.0, 1.5)
    found = Mdmo().apply(moved, face())[:, 0]
    assert found[:, 0].argmax() == 7
    assert np.delete(found[:, 0], 7).max() < 1e-3
    assert found[7, 1] == pytest.approx(pi / 2, abs=0.1)


def test_FlowSinceOnset_reads_flow_to_each_later_frame():
    volume = clip(n=4, height=32, width=32)
    expected = [Flow("farneback").pair(volume[0], volume[i]) for i in (1, 2, 3)]
    np.testing.assert_array_equal(FlowSinceOnset(flow="farneback").apply(volume), np.concatenate(expected, -1))
    np.testing.assert_array_equal(FlowSinceOnset(flow="farneback").apply(volume[:1]), np.zeros((32, 32, 2)))


@pytest.mark.parametrize("step", [LbpSip(2, 3), LpqTop(2, 3, window=3), StlbpIp(2, 2, window=5)])
def test_block_descriptors_count_their_own_block(step):
    """A change in the last corner leaves the first block as it is."""
    before, after = clip(height=24, width=24), clip(height=24, width=24)
    after[:, 18:, 18:] = clip(height=24, width=24, seed=1)[:, 18:, 18:]
    first, second = step.apply(before), step.apply(after)
    np.testing.assert_array_equal(first[0, 0], second[0, 0])
    assert not np.array_equal(first[-1, -1], second[-1, -1])


def test_Hoof_mirrors_angles_or_goes_around():
    made = HoofSvm.Params
    assert (made().steps()[-1], made(mirrored=False).steps()[-1]) == (Hoof(5, 5, 8), OrientedFlow(5, 5, 8))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: LpqTop(window=4), "must be odd, not 4 and 5"),
        (lambda: StlbpIp(window=8), "must be odd and at most 15, not 8"),
        (lambda: LbpSip(r=0), "r of LbpSip must be"),
        (lambda: HoofSvm.Params(bins=0), "bins of Hoof must be"),
        (lambda: FhofoSvm.Params(length=1), "method.length must be at least 2, since flow takes two frames, not 1"),
        (lambda: FhofoSvm.Params(bins=1), "bins of Fhofo must be a whole number of at least 2"),
        (lambda: MdmoSvm.Params(bins=0), "bins of Mdmo must be a whole number of at least 1"),
        (lambda: FhofoSvm.Params(sigma=0), "sigma of Fhofo must be a number above 0"),
        (lambda: HoofSvm.Params(c=0), "method.c must be a number above 0"),
    ],
)
def test_Params_refuse_wrong_values(make, reason):
    with pytest.raises(ConfigError, match=reason) as error:
        make()
    assert "\n" not in str(error.value)


def test_hand_made_descriptors_refuse_short_or_small_clips():
    with pytest.raises(DataError, match="LpqTop needs at least 5 frames and the clip has 3: put Interpolate before it"):
        LpqTop(1, 1).apply(clip(n=3))
    with pytest.raises(DataError, match="Fhofo needs at least 2 frames and the clip has 1: put Interpolate before it"):
        Fhofo().apply(clip(n=1))
    with pytest.raises(DataError, match="Mdmo needs 68 facial landmarks of the first frame, but the dataset has none"):
        Mdmo().apply(np.zeros((8, 8, 2), np.float32), None)
    with pytest.raises(DataError, match=r"StlbpIp needs blocks of 9x9 pixels .* 7x8 and 5: take fewer blocks"):
        StlbpIp(2, 2).apply(clip())
