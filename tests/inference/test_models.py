"""Models as files and by name: what comes back, what their cards say, and what is refused."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mebench import methods
from mebench.config import resolve
from mebench.errors import ConfigError, MebenchError, RunError
from mebench.inference import alarm_rates, models, predict, spotted
from mebench.inference.model_card import export_model
from mebench.inference.models import read_header
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.testing.folders import write_plugin as new_plugin
from tests.cli.conftest import mebench
from tests.helpers.own_videos import moving, write

__all__ = ["mebench"]


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """A run of a network that spots and names, trained for a moment."""
    words = ["method=mean", "method.regions=box", "method.flow=farneback", "method.stride=3", "method.p=0.2"]
    more = [
        "method.epochs_spot=1",
        "method.epochs_recognition=1",
        "protocol=holdout",
        "protocol.test=[s003]",
        "bootstrap=0",
    ]
    return execute_run(resolve([*words, *more, *tiny, f"runs={tmp_path_factory.mktemp('runs')}"]), Progress()).folder


@pytest.fixture(scope="module")
def file(finished, tmp_path_factory):
    """The model of its fold."""
    path = tmp_path_factory.mktemp("models") / "mine.safetensors"
    (model,) = models.models_of_run(finished)
    export_model(finished, model.fold, path, "mine", "Made for a test.")
    return path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nobody's own models."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def test_read_model_spots_as_its_fold(finished, file, tmp_path):
    (of_fold,), of_file = models.models_of_run(finished), models.read_model(file)
    assert of_file.config.method == "mean"
    assert of_file.config.method_params == of_fold.config.method_params
    weights = load_file(of_fold.file)
    assert all(torch.equal(value, weights[name]) for name, value in load_file(file).items())
    video = write(tmp_path / "a.avi", moving(3, 220, (60, 20)), 45, codec="mjpeg")
    one, other = (spotted.spot_videos([video], [model], workers=1) for model in (of_fold, of_file))
    assert one.plain()["videos"][0]["intervals"]
    assert one.plain()["videos"][0]["intervals"] == other.plain()["videos"][0]["intervals"]
    np.testing.assert_array_equal(*(found.videos[0].answer.curves["micro"].scores for found in (one, other)))
    assert other.model == "Method mean, model mine (trained on drawn faces)"


def test_read_model_takes_tiny_weights_as_zero(tmp_path):
    shipped = models.find_model_file("mean")
    faint = tmp_path / "faint.safetensors"
    stored = {n: w.masked_fill(w.abs() < 1e-6, 1e-40) if w.ndim else w for n, w in load_file(shipped).items()}
    with safe_open(shipped, "pt") as file:
        save_file(stored, faint, file.metadata())
    method = predict.fitted_method(models.read_model(faint)).eval()
    read = method.state_dict()
    maps = torch.rand(3, 3, 42, 42, generator=torch.Generator().manual_seed(0))

    subnormal = {
        name: (w != 0) & (w.abs() < torch.finfo(w.dtype).tiny) for name, w in stored.items() if w.is_floating_point()
    }
    assert sum(int(where.sum()) for where in subnormal.values()) > 1000
    for name, where in subnormal.items():
        assert (read[name][where] == 0).all()
        assert torch.equal(read[name][~where], stored[name][~where])

    answers = []
    for weights in (stored, read):
        method.load_state_dict(weights)
        with torch.no_grad():
            shared = method.shared(maps)
            answers.append(torch.cat([method.spotting(shared), method.recognition(shared)], dim=1))
    assert torch.equal(*answers)
    assert answers[0].unique().numel() > 12


def test_export_model_card_has_the_scores_of_its_run(finished, file):
    header = read_header(file)
    summary = finished.read_json("summary.json")
    assert header.scores["spotting.micro.f1"] == summary["spotting"]["micro"]["scores"]["f1"]["value"]
    assert header.scores["recognition.uf1"] == summary["recognition"]["scores"]["uf1"]["value"]
    for words in (
        "# mine",
        "2 people, 2 videos",
        "Method `mean`",
        "regions=box",
        "cannot be compared",
        "Made for a test.",
    ):
        assert words in header.card, words
    assert "/" not in json.dumps(header.method)


def test_export_model_keeps_parameters_of_a_users_method(write_plugin, tiny, tmp_path):
    known = list(methods.__path__)
    plugins = tmp_path / "plugins"
    new_plugin("method", "my_spotter", plugins)
    params = plugins / "methods" / "my_spotter" / "params.py"
    params.write_text(params.read_text().replace("blocks: int = 4\n", "blocks: int = 4\n    cache: int = 1\n"))
    words = [
        "method=my_spotter",
        "method.cache=15",
        "method.flow=farneback",
        "protocol=holdout",
        "protocol.test=[s003]",
        "bootstrap=0",
    ]
    folder = execute_run(resolve([*words, *tiny, f"runs={tmp_path / 'runs'}"], (), (str(plugins),)), Progress()).folder
    (model,) = models.models_of_run(folder)
    export_model(folder, model.fold, tmp_path / "mine.safetensors")

    methods.__path__[:] = known  # another day
    with pytest.raises(MebenchError, match=r"unknown method 'my_spotter'.*mebench\.yaml"):
        models.read_model(tmp_path / "mine.safetensors")
    Path("mebench.yaml").write_text(f"plugins: [{plugins}]\n")
    assert models.read_model(tmp_path / "mine.safetensors").config.method_params.cache == 15


def test_included_models_are_small_and_say_how_good_they_are(mebench, tmp_path):
    shipped = {header.name: (file, header) for file, header in models.included_models().items()}
    assert {"block_motion", "mean", "linear_spotter"} <= set(shipped)
    for name, (file, header) in shipped.items():
        params = models.read_model(file).config.method_params
        assert file.stat().st_size < 200_000
        assert file.parent.parent.name == header.method["name"] == name
        assert params.threshold == "absolute"
        assert not params.needs_landmarks
        assert 0 < header.scores["spotting.micro.f1"] < 1
        assert header.scores[f"spotting.micro.{alarm_rates.QUIET_RATE}"] >= 0
        assert "## What it is not good for" in header.card
        assert re.search("No real (face|micro-expression) was ever seen", header.card)
        assert models.find_model_file(name) == file

    code, out, _ = mebench("model", "list")
    assert code == 0
    assert {line.split("\t")[0] for line in out.splitlines()} >= set(shipped)
    code, _, err = mebench("model", "export", "mean", "--format", "safetensors", "-o", tmp_path / "of any name")
    assert code == 0
    assert "use it with mebench spot --model" in err
    for name in ("mean", tmp_path / "of any name"):
        code, out, _ = mebench("model", "info", name)
        assert code == 0
        assert "# mean" in out
        assert "## Trained on" in out
        assert "Licence: Apache-2.0" in out

    code, _, err = mebench("model", "info", "meen")
    assert code == 4
    assert "unknown model 'meen'. Did you mean 'mean'?" in err


def test_model_export_and_spot_work_together(mebench, finished, file, tmp_path):
    code, _, err = mebench("model", "export", finished.path, "-o", tmp_path / "m.safetensors", "--name", "a b")
    assert code == 4
    assert "the name of a model has at most 64 small letters" in err
    code, _, err = mebench("model", "export", finished.path, "-o", tmp_path / "m.safetensors", "--name", "mine")
    assert code == 0
    assert "the model mine" in err
    assert (tmp_path / "m.safetensors").stat().st_size < 400_000

    video = write(tmp_path / "a.avi", moving(3, 220, (60, 20)), 50, codec="mjpeg")
    code, _, err = mebench("spot", video, "--model", tmp_path / "m.safetensors", "--workers", "1")
    assert code == 0
    assert spotted.CAUTION in err
    for words, sentence in (
        (["spot", video, "--fold", "f"], "takes either --run RUN"),
        (["spot", video, "--model", "m", "--run", "r"], "takes either --run RUN"),
        (["spot", video, "--model", tmp_path / "gone.safetensors"], "there is no model"),
        (["spot", video, "-o", video / "under"], "cannot be written"),
        (["model", "export", finished.path, "-o", tmp_path / "m.pt"], "unknown format 'pt'"),
    ):
        code, _, err = mebench(*words)
        assert code
        assert sentence in err


@pytest.fixture
def damaged(finished, tmp_path):
    """The run with one bit of a weight turned."""
    copy = Path(shutil.copytree(finished.path, tmp_path / "runs" / finished.id))
    (weights,) = copy.glob("folds/*/model.safetensors")
    raw = bytearray(weights.read_bytes())
    raw[-2] ^= 0x40
    weights.write_bytes(raw)
    return copy


def test_model_verbs_refuse_a_damaged_model(mebench, damaged, tmp_path):
    video = write(tmp_path / "a.avi", moving(3, 220, (60, 20)), 50, codec="mjpeg")
    for words in (
        ["predict", damaged, "dataset=folder", f"dataset.root={tmp_path}", "-o", tmp_path / "a.csv"],
        ["spot", video, "--run", damaged, "--workers", "1"],
        ["model", "export", damaged, "-o", tmp_path / "m.safetensors", "--name", "mine"],
    ):
        code, _, err = mebench(*words)
        assert code == 4, words
        assert "was changed, so its model would answer differently" in err, words
    assert not (tmp_path / "a.csv").exists()
    assert not (tmp_path / "m.safetensors").exists()


def edited(file, target, **changes):
    """The file with other contents of its header."""
    content = json.loads(read_header(file).model_dump_json()) | changes
    save_file(load_file(file), target, {"mebench": json.dumps(content)})
    return target


def test_read_header_checks_what_a_file_says(file, tmp_path):
    header = read_header(file)
    for changes, sentence in (
        ({"name": "../../etc/passwd"}, "name"),
        ({"name": "mine\n"}, "name"),
        ({"card": "\x1b[2Jgone"}, "card"),
        ({"card": "x" * 20_001}, "card"),
        ({"timings": [{"fps": -30.0, "k": 3, "k_prime": {}}]}, "fps"),
        ({"timings": [{"fps": 30.0, "k": 10**9, "k_prime": {}}]}, "timings"),
        ({"plugins": ["/tmp/evil"]}, "plugins"),
        ({"format": 2}, "format"),
    ):
        with pytest.raises(RunError, match=f"is invalid.*{sentence}"):
            read_header(edited(file, tmp_path / "x.safetensors", **changes))
    with pytest.raises(MebenchError, match="unknown method 'evil'"):
        models.read_model(edited(file, tmp_path / "x.safetensors", method={"name": "evil"}))
    with pytest.raises(ConfigError, match=r"method\.p"):
        models.read_model(edited(file, tmp_path / "x.safetensors", method={**header.method, "p": 7.0}))
    landmarks = edited(file, tmp_path / "x.safetensors", method={**header.method, "landmarks": "/etc/passwd"})
    assert models.read_model(landmarks).config.method_params.landmarks is None


def test_read_header_and_read_model_refuse_damaged_files(file, tmp_path):
    raw = file.read_bytes()
    bad = tmp_path / "bad.safetensors"
    for content in (
        b"",
        raw[:4],
        raw[:2000],
        b"\xff" * 64,
        (10**12).to_bytes(8, "little") + b"{}",
        b"\x02" + bytes(7) + b"[]",
    ):
        bad.write_bytes(content)
        with pytest.raises(RunError, match="is not a model of mebench"):
            read_header(bad)

    nested = b'{"__metadata__":' + b"[" * 100_000
    bad.write_bytes(len(nested).to_bytes(8, "little") + nested)
    with pytest.raises(RunError, match="is not a model of mebench"):
        read_header(bad)

    bad.write_bytes(raw[:-100])
    with pytest.raises(RunError, match="does not fit method"):
        models.read_model(bad).restore({"": torch.nn.Linear(2, 2)})
    with pytest.raises(RunError, match="there is no model"):
        read_header(tmp_path)


def test_model_export_takes_an_included_model(mebench, file, tmp_path):
    known, included = next(iter(models.included_models().items()))
    copy = tmp_path / "copy.safetensors"
    code, _, err = mebench("model", "export", included.name, "-o", copy, "--name", "other", "--note", "Copied.")
    assert code == 0, err
    header = read_header(copy)
    assert header.name == "other"
    assert header.card.endswith("Copied.")
    assert header.method == included.method
    assert load_file(copy).keys() == load_file(known).keys()
    assert mebench("model", "export", file, "-o", tmp_path / "again.safetensors")[0] == 0
    code, _, err = mebench("model", "export", included.name, "-o", copy, "--fold", "x/1")
    assert code == 2
    assert "only runs have folds" in err
