"""A network in ONNX with its recipe is a model: it spots as the model that it came from, and what is no such file is named."""

import json
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch

import mebench as api
from mebench.cli import predictions
from mebench.errors import RunError
from mebench.frames.stream import Stream
from mebench.inference import models, predict
from mebench.inference.live import CurvePoint, Live
from mebench.inference.onnx_files import read_levels, read_recipe
from tests.cli.conftest import mebench
from tests.helpers.own_videos import moving, write

__all__ = ["mebench"]
pytestmark = pytest.mark.skipif(
    None in map(find_spec, ("onnx", "onnxscript")), reason="ONNX is an extra: pip install 'mebench[onnx]'"
)
SPANS = ((14, 18, 23), (60, 64, 69))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The included model as a network with its recipe."""
    file = tmp_path_factory.mktemp("networks") / "mean.onnx"
    predictions.model_export_command("mean", str(file))
    return file


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write(tmp_path_factory.mktemp("film") / "moves.mp4", moving(3, 240, (60, 20), SPANS), 90, size=(400, 300))


def copy_to(folder, network, recipe=None, content=None):
    """The network and its recipe in another folder, changed."""
    file = folder / network.name
    file.write_bytes(network.read_bytes() if content is None else content)
    known = json.loads(network.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(known if recipe is None else recipe))
    return file


def test_read_network_gives_the_weights_of_the_model(network):
    original = predict.fitted_method(models.read_model(models.find_model_file("mean"))).state_dict()
    read = predict.fitted_method(models.read_model(network)).state_dict()
    assert original.keys() == read.keys()
    for name in original.keys() - {"shared.norm.num_batches_tracked"}:
        torch.testing.assert_close(read[name], original[name], rtol=0, atol=0, msg=name)


def test_spot_by_a_network_gives_the_intervals_of_its_model(network, film):
    by_network = api.spot(film, network, workers=1)
    by_model = api.spot(film, "mean", workers=1)
    assert len(by_network.predictions) >= 2
    pd.testing.assert_frame_equal(by_network.predictions, by_model.predictions)
    pd.testing.assert_frame_equal(by_network.frame_scores, by_model.frame_scores)


def test_spot_by_a_network_over_time_equals_its_model(film, tmp_path):
    file = tmp_path / "block_motion.onnx"
    predictions.model_export_command("block_motion", str(file))
    recipe = json.loads(file.with_suffix(".json").read_text())
    assert recipe["timing"] == {"fps": 25.0, "k": 3, "k_prime": recipe["timing"]["k_prime"]}
    by_network, by_model = api.spot(film, file, workers=1), api.spot(film, "block_motion", workers=1)
    pd.testing.assert_frame_equal(by_network.predictions, by_model.predictions)
    pd.testing.assert_frame_equal(by_network.frame_scores, by_model.frame_scores)


def test_predict_takes_a_network_or_a_name(mebench, network, film, tmp_path):
    tables = []
    for number, model in enumerate((network, "mean")):
        out = tmp_path / f"{number}.csv"
        words = ("dataset=folder", f"dataset.root={film.parent}", "-o", out, "--frames", "positions", "--workers", "1")
        code, _, err = mebench("predict", model, *words)
        assert code == 0, err
        tables.append(pd.read_csv(out))
    assert len(tables[0]) >= 2
    pd.testing.assert_frame_equal(*tables)


def test_Live_of_a_network_gives_the_curve_of_the_file(network, film):
    model = models.read_model(network)
    live = Live([model], Stream(str(film), paced=False))
    points = [found for found in live.run() if isinstance(found, CurvePoint)]
    (video,) = api.spot(film, network, workers=1).spotted.videos
    whole = video.answer.curves["micro"].smoothed
    assert len(points) == np.isfinite(whole).sum()
    np.testing.assert_allclose([p.score for p in points], whole[[p.frame for p in points]], atol=1e-6)
    assert live.levels == pytest.approx(predict.levels_of([model]))


def test_levels_of_a_network_are_those_of_the_recipe(network):
    assert predict.levels_of([models.read_model(network)]) == read_levels(network)


def test_find_model_file_takes_a_network(network):
    assert models.find_model_file(str(network)) == network
    assert models.read_header(network) == models.read_header(models.find_model_file("mean"))


def test_read_recipe_names_what_is_missing(network, tmp_path):
    with pytest.raises(RunError, match=r"there is no network .*none\.onnx"):
        read_recipe(tmp_path / "none.onnx")
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(network.read_bytes())
    with pytest.raises(RunError, match=r"alone\.json, which must lie beside it, is missing"):
        read_recipe(alone)


@pytest.mark.parametrize("recipe", [[], {"header": None}, {"header": 3}])
def test_read_recipe_refuses_other_json(network, tmp_path, recipe):
    with pytest.raises(RunError, match=r"mean\.json does not describe the model of mean\.onnx"):
        read_recipe(copy_to(tmp_path, network, recipe=recipe))


def test_read_network_refuses_what_is_no_network(network, tmp_path):
    file = copy_to(tmp_path, network, content=b"\xff no network")
    with pytest.raises(RunError, match=r"mean\.onnx is no network in ONNX"):
        predict.fitted_method(models.read_model(file))


def test_read_network_refuses_other_weights(network, tmp_path):
    import onnx

    changed = onnx.load(network)
    for tensor in changed.graph.initializer:
        tensor.name = f"other_{tensor.name}"
    file = copy_to(tmp_path, network, content=changed.SerializeToString())
    with pytest.raises(RunError, match="another program changed it since mebench exported it"):
        predict.fitted_method(models.read_model(file))


def test_model_export_refuses_to_turn_a_network_into_safetensors(mebench, network, tmp_path):
    code, _, err = mebench("model", "export", network, "-o", tmp_path / "back.safetensors")
    assert code == 4, err
    assert "export the model that it came from" in err
