"""A network and its recipe spot as mebench does, by the plain Python of the documentation."""

import json
import re
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mebench
from mebench.cli import predictions
from mebench.config import resolve_dataset
from mebench.inference import models, predict, recipe
from mebench.runner import FittedMethod
from mebench.runner.choices import home_of_video
from tests.helpers.own_videos import moving, write

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "publishing.md"
SPANS = ((14, 18, 23), (60, 64, 69))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write(tmp_path_factory.mktemp("film") / "moves.mp4", moving(3, 240, (60, 20), SPANS), 90, size=(400, 300))


def maps_of_film(film):
    """The maps that the included model reads, (n, 42, 42, 3)."""
    model = models.read_model(models.find_model_file("mean"))
    job, dataset = predict.plan_prediction(
        [model], resolve_dataset({"dataset": "folder", "dataset.videos": [str(film)]})
    )
    fitted = FittedMethod(job, job.parts[0], partial(home_of_video, dataset, "folder"))
    (name,) = (name for name, chain in next(iter(fitted.views.chains.values())).items() if chain.scope == "frames")
    return np.asarray(fitted.views.hide_labels(job.test[0]).features(name))


def lines_of_page():
    """The function of the documentation, without the call below it."""
    (block,) = re.findall(r"```python shown\n(import json\n.*?)```", PAGE.read_text(), re.DOTALL)
    return block.partition("\nwith open")[0]


class Session:
    """ONNX Runtime's session, by PyTorch: that both give the same numbers is tested with the export."""

    def __init__(self, file):
        self.network, _, self.outputs = predict.fitted_method(models.read_model(file)).exportable()

    def run(self, names, inputs):
        with torch.no_grad():
            answers = self.network(torch.from_numpy(inputs["maps"]))
        return [answers[self.outputs.index(name)].numpy() for name in names]


def test_describe_spotting_gives_the_intervals_of_spot(film, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=Session))
    file = models.find_model_file("mean")
    namespace = {}
    how = recipe.describe_spotting(models.read_model(file), Path("mean.onnx"), ("score", "probabilities"))
    exec(lines_of_page(), namespace)
    found = namespace["spot"](maps_of_film(film), file, json.loads(json.dumps(how)))
    by_mebench = mebench.spot(film, model="mean", workers=1).predictions
    assert len(found) >= 2
    assert found == by_mebench[["onset", "offset"]].to_numpy().tolist()


def test_export_writes_the_recipe_beside_the_network(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(models, "export_onnx", lambda method, path: ("score", "probabilities"))
    predictions.model_export_command("mean", str(tmp_path / "mean.onnx"))
    written = json.loads((tmp_path / "mean.json").read_text())
    assert (written["network"], written["outputs"]) == ("mean.onnx", ["score", "probabilities"])
    assert "mean.json: how its input is made, and how its scores become intervals" in capsys.readouterr().err


def test_describe_spotting_holds_options_levels_and_steps():
    model = models.read_model(models.find_model_file("mean"))
    how = recipe.describe_spotting(model, Path("mean.onnx"), ("score", "probabilities"))
    steps = [step["step"] for step in how["features"][0]["steps"]]
    flow = {
        p["name"]: p["value"]
        for step in how["features"][0]["steps"]
        if step["step"] == "Flow"
        for p in step["parameters"]
    }
    assert steps[:2] == ["FaceCrop", "Flow"]
    assert flow["light"] == "gain"
    assert how["levels"]["micro"] == pytest.approx(predict.levels_of([model])["micro"])
    assert (how["spotting"]["baseline"], how["spotting"]["baseline_frames"]) == (2.0, 25)
    assert how["spotting"]["lead"] == {"micro": how["timing"]["k_prime"]["micro"] - 1}
