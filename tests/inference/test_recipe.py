"""A network in ONNX and its recipe spot as mebench does, by the lines of plain Python in the documentation."""

import json
import re
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import mebench
from mebench.config import resolve_dataset
from mebench.inference import models, predict, recipe
from mebench.runner import FittedMethod
from mebench.runner.choices import home_of_video
from tests.cli.conftest import mebench as command
from tests.helpers.own_videos import moving, write

__all__ = ["command"]
PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "publishing.md"
SPANS = ((14, 18, 23), (60, 64, 69))
with_onnx = pytest.mark.skipif(
    None in map(find_spec, ("onnxscript", "onnxruntime")), reason="ONNX is an extra: pip install 'mebench[onnx]'"
)


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
    return np.asarray(fitted.views.unlabelled(job.test[0]).features(name))


def lines_of_page():
    """The function of the documentation, without the call below it."""
    (block,) = re.findall(r"```python shown\n(import json\n.*?)```", PAGE.read_text(), re.DOTALL)
    return block.partition("\nwith open")[0]


@with_onnx
def test_describe_spotting_gives_the_intervals_of_spot(command, film, tmp_path):
    code, _, err = command("model", "export", "mean", "-o", tmp_path / "mean.onnx")
    namespace = {}
    exec(lines_of_page(), namespace)
    how = json.loads((tmp_path / "mean.json").read_text())
    found = namespace["spot"](maps_of_film(film), str(tmp_path / "mean.onnx"), how)
    by_mebench = mebench.spot(film, workers=1).predictions
    assert code == 0
    assert "mean.json: how its input is made, and how its scores become intervals" in err
    assert len(found) >= 2
    assert found == by_mebench[["onset", "offset"]].to_numpy().tolist()


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
    assert json.loads(json.dumps(how)) == json.loads(json.dumps(how, default=str))
