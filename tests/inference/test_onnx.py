"""A network in ONNX gives the numbers of the one it came from; ONNX Runtime reads it without PyTorch."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from mebench.methods.mean import method

from mebench.core import Method, SubjectKey, Task, Timing, VideoView
from mebench.errors import DataError, RunError
from mebench.inference import models
from tests.helpers.nightly import by_day

pytestmark = pytest.mark.skipif(
    None in map(find_spec, ("onnxscript", "onnxruntime")), reason="ONNX is an extra: pip install 'mebench[onnx]'"
)

RUN = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
np.savez(sys.argv[3], *session.run(None, {"maps": np.load(sys.argv[2])}))
assert not {"torch", "lightning", "mebench"} & set(sys.modules)
"""


def fitted(tasks, **params):
    """A network with the statistics and biases of a trained one, not of a fresh one."""
    torch.manual_seed(0)
    m = method.MEAN(method.MEAN.Params(**params), Task(frozenset(tasks), ("micro",), ("a", "b", "c"))).eval()
    with torch.no_grad():
        for name, tensor in m.state_dict().items():
            if tensor.is_floating_point() and tensor.dim() == 1:
                tensor.uniform_(0.5, 1.5) if "var" in name else tensor.normal_()
    return m


@pytest.mark.parametrize(
    ("tasks", "params"),
    by_day(
        [
            (("spot", "recognize"), {}),
            (("spot", "recognize"), {"transfer": False, "loss": "focal"}),
            (("recognize",), {}),
        ],
        (("spot", "recognize"), {}),
    ),
)
def test_export_onnx_agrees_with_the_method(tasks, params, tmp_path):
    m = fitted(tasks, **params)
    x = np.random.default_rng(0).random((11, 42, 42, 3)).astype(np.float16)
    outputs = models.export_onnx(m, tmp_path / "mean.onnx")
    np.save(tmp_path / "maps.npy", x.transpose(0, 3, 1, 2).astype(np.float32))
    files = [str(tmp_path / name) for name in ("mean.onnx", "maps.npy", "out.npz")]
    subprocess.run([sys.executable, "-c", RUN, *files], check=True)
    found = dict(zip(outputs, np.load(tmp_path / "out.npz").values()))
    if "spot" in tasks:
        np.testing.assert_allclose(found["score"], m.score_frames(video_of(x))[: len(x), 0], rtol=0, atol=1e-5)
    clips = [video_of(x).clip(i, i, i, spotted=False) for i in range(len(x))]
    np.testing.assert_allclose(found["probabilities"], m.classify(clips), rtol=0, atol=1e-5)


def video_of(maps):
    """A video with a map for each frame, but for the last three."""
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, len(maps) + 3, Timing(30.0, 3, {"micro": 6}))
    return VideoView(*common, lambda chain: maps, lambda chain, onset, apex, offset: maps[onset])


def test_export_onnx_names_a_file_that_cannot_be_written(tmp_path, monkeypatch):
    small = torch.nn.Linear(2, 2), (torch.zeros(1, 2),)  # MEAN takes seconds
    program = torch.onnx.export(*small, dynamo=True, verbose=False)
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: program)
    with pytest.raises(DataError, match=r"nowhere/mean\.onnx cannot be written"):
        models.export_onnx(fitted(("recognize",)), tmp_path / "nowhere" / "mean.onnx")


def test_export_onnx_refuses_a_method_without_network(tmp_path):
    class Plain(Method):
        pass

    with pytest.raises(RunError, match="Plain has no network"):
        models.export_onnx(Plain(None, Task(frozenset({"spot"}))), tmp_path / "plain.onnx")
