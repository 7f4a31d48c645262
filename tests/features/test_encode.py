import numpy as np
import pytest

from mebench.errors import ConfigError
from mebench.features import FlowDirection, FlowImage

rng = np.random.default_rng(0)


def motion(size=28):
    """u, v and strain."""
    return np.stack([rng.normal(size=(size, size)), 3 * rng.normal(size=(size, size)), rng.random((size, size))], -1)


def test_FlowImage_of_no_motion_is_gray_without_strain():
    image = FlowImage().apply(np.zeros((128, 128, 3), np.float32), None)
    assert image.shape == (28, 28, 3)
    np.testing.assert_array_equal(image[0, 0], [0, 127.5, 127.5])
    assert (image == image[0, 0]).all()


def test_FlowImage_scales_strain_and_flow_to_their_range():
    x = motion().astype(np.float32)
    for channel, source in zip(np.moveaxis(FlowImage().apply(x, None), -1, 0), (x[..., 2], x[..., 1], x[..., 0])):
        np.testing.assert_allclose(channel, np.interp(source, [source.min(), source.max()], [0, 255]), atol=1e-3)


def test_FlowImage_channel_fills_the_range_in_every_channel():
    image = FlowImage().apply(motion().astype(np.float32), None)
    assert image.min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert image.max(axis=(0, 1)).tolist() == [255, 255, 255]


@pytest.mark.parametrize("size", [7, 28, 60])
def test_FlowImage_values_are_those_of_8_bits(size):
    image = FlowImage(size).apply(motion(40).astype(np.float32), None)
    assert image.shape == (size, size, 3)
    assert image.min() >= 0
    assert image.max() <= 255


@pytest.mark.parametrize(("step", "before"), [(FlowImage(), "Strain"), (FlowDirection(), "FlowImage")])
def test_FlowImage_and_FlowDirection_refuse_missing_input(step, before):
    with pytest.raises(ConfigError, match=f"put {before} before it"):
        step.apply(np.zeros((28, 28, 2), np.float32), None)


def test_FlowDirection_is_half_the_angle_as_a_hue():
    """Red at 0 degrees, yellow from 60; at 90 the red has fallen by half. The strain does not matter."""
    angles = np.radians([0, 60.5, 90])
    image = np.stack([[0, 9, 200], 200 * np.sin(angles), 200 * np.cos(angles)], axis=-1)[None]
    found = FlowDirection().apply(image, None)[0]
    np.testing.assert_allclose(found, [[0, 0, 255], [0, 255, 255], [0, 255, 128]], atol=1)
