"""TV-L1 of mebench's own beside OpenCV, piece by piece and as a whole."""

import cv2
import numba
import numpy as np
import pytest
from skimage.registration import optical_flow_tvl1

from mebench.features import loops, tvl1 as module

from .conftest import texture

median, gradient, warp = (
    numba.njit(error_model="numpy", cache=True)(part.py_func)  # compiled again only after their file has changed
    for part in (module.median, module.gradient_planes, module.warp_planes)
)


def planes_of(*images):
    """Images as the compiled functions take them."""
    planes = module.make_planes(len(images), *images[0].shape)
    for plane, image in zip(planes, images):
        plane[: len(image), : image.shape[1]] = image
    return planes


@pytest.mark.parametrize(("height", "width"), [(128, 128), (53, 37), (16, 16), (5, 33), (2, 3)])
def test_median_equals_opencv(height, width):
    image = np.random.default_rng(0).normal(size=(height, width)).astype(np.float32)
    found = planes_of(np.zeros_like(image))
    median(planes_of(image), found, height, width)
    np.testing.assert_array_equal(found[0, :height, :width], cv2.medianBlur(image, 5))


@pytest.mark.parametrize("strength", [0.3, 2.0, 40.0])
def test_tvl1_warp_equals_opencv(strength):
    """Within a block the flow may be nearly even, or anything; it may lead out of the image."""
    height = 48
    width = 71
    random = np.random.default_rng(1)
    image = texture(height, width).astype(np.float32)
    u, v = (
        cv2.GaussianBlur(random.normal(size=image.shape), (0, 0), 2).astype(np.float32) * strength for _ in range(2)
    )
    warped = module.make_planes(4, height, width)
    second = gradient(planes_of(image, image), height, width)
    warp(second, planes_of(u, v), warped, height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for found, source in zip(warped, second):
        inner = np.ascontiguousarray(
            source[module.MARGIN : module.MARGIN + height, module.MARGIN : module.MARGIN + width]
        )
        expected = cv2.remap(inner, x + u, y + v, cv2.INTER_CUBIC)
        np.testing.assert_allclose(found[:height, :width], expected, atol=1e-3)


def errors(found, truth):
    return np.linalg.norm(found - truth, axis=-1)


@pytest.mark.parametrize("epsilon", [0.01, 0.05])
def test_tvl1_differs_from_opencv_less_than_opencv_from_itself(epsilon):
    """OpenCV is given the same images with a ten-thousandth of a gray level of noise."""
    theirs = cv2.optflow.DualTVL1OpticalFlow_create(epsilon=epsilon)
    random = np.random.default_rng(2)
    differences, own = [], []
    for dx, dy in [(0.4, -0.2), (1.3, 0.6), (0.1, 0.9)]:
        a, b = texture(96, 96), texture(96, 96, dx, dy)
        flow = theirs.calc(a, b, None)
        noisy = [((image + random.normal(0, 1e-4, a.shape)) / 255).astype(np.float32) for image in (a, b)]
        differences.append(errors(module.tvl1(a, b, epsilon), flow))
        own.append(errors(theirs.calc(*noisy, None), flow))
    assert np.percentile(differences, 95) <= np.percentile(own, 95)


@pytest.mark.parametrize("epsilon", [0.01, 0.05])
@pytest.mark.parametrize(("dx", "dy"), [(0.3, -0.2), (1.5, 0.4)])
def test_tvl1_is_no_farther_from_known_motion_than_opencv(dx, dy, epsilon):
    theirs = cv2.optflow.DualTVL1OpticalFlow_create(epsilon=epsilon)
    a, b = texture(96, 96), texture(96, 96, dx, dy)
    found, compared = (errors(flow, (dx, dy)).mean() for flow in (module.tvl1(a, b, epsilon), theirs.calc(a, b, None)))
    assert found <= compared * 1.02


@pytest.mark.parametrize(("dx", "dy"), [(0.3, -0.2), (1.5, 0.4)])
def test_tvl1_agrees_with_scikit_image(dx, dy):
    """Its program solves the same equations in another way."""
    a, b = texture(96, 96), texture(96, 96, dx, dy)
    v, u = optical_flow_tvl1(a, b)
    inner = np.s_[8:-8, 8:-8]
    assert errors(module.tvl1(a, b, 0.01)[inner], np.stack([u, v], axis=-1)[inner]).mean() < 0.1


@pytest.mark.parametrize(("height", "width"), [(3, 3), (15, 40), (128, 17), (33, 200)])
def test_tvl1_takes_images_of_any_size(height, width):
    a, b = texture(height, width), texture(height, width, 0.5, 0.0)
    found = module.tvl1(a, b, 0.05)
    assert found.shape == (height, width, 2)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, module.tvl1(np.asfortranarray(a), b, 0.05))


def test_tvl1_of_equal_images_is_zero():
    assert not module.tvl1(texture(), texture(), 0.01).any()


def test_once_announces_compiling_once(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))

    def twice(x):
        return 2 * x

    found = []
    for _ in range(2):  # the second time it is in the cache
        loops.once(twice, lambda function: found.append((function(1), function(1.5))), "twice", "a product")
    assert found == [(2, 3), (2, 3)]
    assert capsys.readouterr().err == "compiling a product, once on this machine\n"
