"""Where networks looked: what sees the left eye alone lights it alone."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from mebench.core import method
from mebench.errors import RunError
from mebench.features import EyesAndMouth, Resize, regions
from mebench.inference import gradcam
from tests.features.conftest import face_points

__all__ = ["face_points"]


class LeftEye(nn.Module):
    """Sees nothing but the upper left quarter of its input: the left eye."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Identity()

    def forward(self, x):
        seen = torch.zeros_like(x)
        seen[:, :, :21, :21] = x[:, :, :21, :21]
        total = self.maps(seen).sum(dim=(1, 2, 3))
        return torch.stack([total, -total], dim=1)


@pytest.mark.parametrize("layout", ["paper", "box"])
def test_project_onto_face_stays_in_its_region(layout, face_points):
    step = EyesAndMouth(layout)
    heat = np.zeros((42, 42))
    heat[:21, :21] = 1.0
    left, _, mouth = (regions.clamp_region(region, 128, 128) for region in step.regions(face_points, 128, 128))
    for part, (x0, y0, x1, y1) in ((heat, left), (np.repeat([[0.0], [1.0]], 21, 0).repeat(42, 1), mouth)):
        laid = gradcam.project_onto_face(part, [step], face_points, 128)
        inside = np.zeros((128, 128), bool)
        inside[y0:y1, x0:x1] = True
        assert laid.shape == (128, 128)
        assert (laid[inside] == 1).all()
        assert (laid[~inside] == 0).all()


def test_project_onto_face_lays_a_whole_face_back():
    assert np.allclose(gradcam.project_onto_face(np.full((28, 28), 0.5), [Resize(28)], None, 128), 0.5)


def test_grad_cam_lights_only_what_the_network_sees(face_points):
    pytest.importorskip("captum", reason="captum is an extra: pip install 'mebench[explain]'")
    network = LeftEye()
    step = EyesAndMouth("paper")
    looked = method.Looked(network, network.maps, "maps", lambda x: torch.from_numpy(x).permute(0, 3, 1, 2))
    features = np.random.default_rng(0).random((42, 42, 3), np.float32)
    laid = gradcam.project_onto_face(gradcam.grad_cam(looked, features, 0), [step], face_points, 128)
    x0, y0, x1, y1 = regions.clamp_region(step.regions(face_points, 128, 128)[0], 128, 128)
    outside = laid.copy()
    outside[y0:y1, x0:x1] = 0

    assert laid.max() > 0.9
    assert outside.max() == 0
    assert gradcam.grad_cam(looked, features, 1).max() == 0  # nothing speaks for the other output


def test_project_onto_face_refuses_maps_that_are_no_pictures():
    with pytest.raises(RunError, match="does not fit a face of 128 x 128 pixels"):
        gradcam.project_onto_face(np.ones((12, 1)), [], None, 128)


def test_grad_cam_names_the_extra_without_captum(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    network = LeftEye()
    with pytest.raises(RunError, match=r"pip install 'mebench\[explain\]'"):
        gradcam.grad_cam(method.Looked(network, network.maps, "maps", torch.from_numpy), np.zeros((42, 42, 3)), 0)
