"""What `mebench new` writes keeps every promise, and `mebench check` says of a broken copy what is wrong and what to do."""

import re
import shutil
import sys
import unittest
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from torch import nn

from mebench.config import registry
from mebench.core import Task
from mebench.errors import ConfigError
from mebench.testing import contracts, folders, parametrize_with_checks, plugin_checks
from mebench.testing.folders import folder_checks, write_plugin
from tests.cli.conftest import mebench  # noqa: F401

SPOTTER, RECOGNIZER, NETWORK, LIGHTNING, SEQUENCE, LINEAR, TIMM = folders.METHOD_TEMPLATES
DATASET, FILMS = folders.DATASET_TEMPLATES
TEMPLATES = (SPOTTER, RECOGNIZER, NETWORK, LIGHTNING, SEQUENCE, LINEAR, DATASET, FILMS)


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A plugin of each template, each called after it."""
    folder = tmp_path_factory.mktemp("kit") / "plugins"
    for template in TEMPLATES:
        write_plugin(kind_of(template), f"kit_{template}", folder, template)
    return folder


def kind_of(template):
    return "dataset" if template in folders.DATASET_TEMPLATES else "method"


@pytest.mark.parametrize("template", TEMPLATES)
def test_folder_checks_pass_for_new_plugins(kit, template):
    checks = [check for check in folder_checks(kit) if check.plugin == f"kit_{template}"]
    assert len(checks) == 15
    for check in checks:
        if check.name != "params_import_nothing_heavy":  # takes a fresh Python; one template stands for all, below
            check.run()


def test_plugin_checks_pass_for_light_params_of_a_new_plugin(kit):
    registry.add_paths([kit])
    checks = {check.name: check for check in plugin_checks("method", "kit_linear")}
    checks["params_import_nothing_heavy"].run()


def test_write_plugin_with_a_timm_backbone_passes_its_checks(tmp_path, write_plugin, monkeypatch):
    """A network stands in for timm, which downloads nothing anyway."""
    small = SimpleNamespace(
        create_model=lambda name, in_chans, num_classes: nn.Sequential(
            nn.AvgPool2d(7), nn.Flatten(), nn.Linear(16 * in_chans, num_classes)
        )
    )
    monkeypatch.setitem(sys.modules, "timm", small)
    folders.write_plugin("method", "with_timm", tmp_path, TIMM)
    for check in folder_checks(tmp_path):
        if check.name != "params_import_nothing_heavy":
            check.run()


@pytest.mark.parametrize("template", [SPOTTER, LINEAR])
def test_write_plugin_template_scores_no_frame_without_partner(kit, template):
    """What a stopped recording leaves behind: two frames, of which none has a partner k later."""
    registry.add_paths([kit])
    plugin = registry.load_plugin("method", f"kit_{template}")
    method = plugin(plugin.Params(), Task(frozenset({"spot"})))
    view = SimpleNamespace(n_frames=2, features=lambda chain: np.zeros((0, 4, 4, 3), np.float16))
    np.testing.assert_array_equal(method.score_frames(view), [[np.nan], [np.nan]])


def test_parametrize_with_checks_takes_a_folder(kit):
    mark = parametrize_with_checks(kit).mark
    assert {check.plugin for check in mark.args[1]} == {f"kit_{template}" for template in TEMPLATES}
    assert "test_contract" in (kit / "test_plugins.py").read_text()


def test_new_writes_a_plugin(mebench, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    code, out, _ = mebench("new", "method", "mine_new", "--template", "linear")
    assert code == 0
    assert "mebench check mine_new --plugins plugins" in out
    text = (tmp_path / "plugins/methods/mine_new/method.py").read_text()
    assert "class MineNew(Method)" in text
    assert "{{" not in text
    code, _, errors = mebench("new", "method", "mine_new")
    assert code == 2
    assert "plugins/methods/mine_new exists already" in errors


def test_write_plugin_is_complete_or_absent(tmp_path, monkeypatch):
    """On a full disk, say: then the same command writes it, where there is room again."""
    with monkeypatch.context() as full:
        full.setattr("pathlib.Path.write_text", lambda *_, **__: Path("/dev/full").write_bytes(b"1"))
        with pytest.raises(OSError, match="No space left"):
            write_plugin("method", "mine_new", tmp_path)
    assert not list((tmp_path / "methods").iterdir())
    assert all(file.is_file() for file in write_plugin("method", "mine_new", tmp_path))


def test_data_fake_of_a_new_dataset_is_drawn_and_summarized(mebench, kit, tmp_path):  # noqa: F811
    out = mebench("data", "fake", "--plugins", kit, "dataset=kit_dataset", "--out", tmp_path / "drawn")[1]
    code, summary, _ = mebench(*out.strip().partition("Check it with: mebench ")[2].split())
    assert code == 0
    assert "expressions\tmicro\t5" in summary


@pytest.mark.parametrize(
    ("name", "template", "sentence"),
    [
        ("My-Method", "spotter", "must be in snake_case, such as my_method, not 'My-Method'"),
        ("class", "spotter", "must be in snake_case"),
        ("mean", "spotter", "there is a method called 'mean'"),
        ("fine", "spoter", "unknown template 'spoter'. Did you mean 'spotter'?"),
    ],
)
def test_write_plugin_refuses_impossible_names(tmp_path, name, template, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        write_plugin("method", name, tmp_path, template)
    assert not list(tmp_path.iterdir())


class Way(NamedTuple):
    """A way to break a plugin.

    Attributes:
        file: of the plugin.
        pattern: what is replaced; None removes the file.
        after: what stands there then.
        check: that sees it.
        sentence: part of what it says.
        times: how often it is replaced, 0 for wherever it stands.
    """

    file: str
    pattern: str | None
    after: str
    check: str
    sentence: str
    times: int = 1


ANY = {
    "no title": Way(
        "config.yaml", "title:", "titel:", "config_is_complete", "unknown key 'titel'. Did you mean 'title'"
    ),
    "no summary": Way("config.yaml", r"summary: .*", "", "config_is_complete", "summary is missing"),
    "no such task": Way("config.yaml", r"tasks: .*", "tasks: [detect]", "config_is_complete", "be a list of some of"),
    "not YAML": Way("config.yaml", "title: ", "title: [", "config_is_complete", "config.yaml is unreadable"),
    "no such preset": Way("config.yaml", r"\Z", "preset: fast\n", "config_is_complete", "'fast' is not among []"),
    "no parameters": Way("params.py", None, "", "config_is_complete", "has no params.py"),
    "no code": Way("KIND.py", None, "", "config_is_complete", "has no KIND.py"),
    "no card": Way("README.md", None, "", "card_names_the_paper", "has no card: write README.md"),
    "a paper": Way("config.yaml", r"\Z", 'paper: "Ekman, 1985"\n', "card_names_the_paper", "'Ekman' is missing"),
    "a typing error": Way("KIND.py", r"\nclass ", "\nclas ", "class_pickles", "KIND.py, line "),
    "no such import": Way(
        "KIND.py", r"\nfrom ", "\nimport nowhere\nfrom ", "class_pickles", "No module named 'nowhere'"
    ),
    "no plugin": Way("KIND.py", r"\nPlugin = .*", "", "class_pickles", "KIND.py defines no Plugin"),
    "another base": Way("KIND.py", r"\nPlugin = .*", "\nPlugin = int", "class_is_a_KIND", "Plugin must be a "),
    "other tasks": Way("config.yaml", r"tasks: .*", "tasks: [OTHER]", "class_is_a_KIND", "the class says tasks"),
    "no such setting": Way(
        "config.yaml",
        r"\Z",
        "params: {flow_: 1}\n",
        "presets_and_settings_are_valid",
        "unknown key 'KIND.flow_'",
    ),
    "no Params": Way("params.py", r"\bParams\b", "Parameters", "params_are_a_frozen_dataclass", "defines no Params", 0),
}
"""Ways to break any plugin. KIND is `method` or `dataset`, OTHER a task that it cannot do."""
OF_METHODS = {
    "a needed parameter": Way(
        "params.py",
        r"(?m)^    \w+: \w+ = ",
        r"    needed: int\n\g<0>",
        "params_are_a_frozen_dataclass",
        "non-default argument",
    ),
    "parameters that change": Way("params.py", r"\(frozen=True\)", "", "params_are_a_frozen_dataclass", "frozen"),
    "no such value": Way(
        "config.yaml",
        "farneback",
        "farnback",
        "presets_and_settings_are_valid",
        "unknown method.flow 'farnback'. Did you mean 'farneback'?",
    ),
    "no such type": Way(
        "config.yaml", r"\Z", "params: {flow: [1]}\n", "presets_and_settings_are_valid", "not [1] (methods/"
    ),
    "another input by no such value": Way(
        "config.yaml",
        r"\Z",
        "other_input: {flow: {tvl: a}}\n",
        "presets_and_settings_are_valid",
        "unknown method.flow 'tvl'",
    ),
}
"""Ways to break any method."""
PROPOSE = """

    def propose(self, video, scores):
        from mebench.core import Prediction

        return [Prediction(video.key, "micro", -5, -2, 3, 1.0)]


Plugin"""
OF_SPOTTER = {
    "heavy parameters": Way(
        "params.py", "\nfrom", "\nimport scipy\nfrom", "params_import_nothing_heavy", "imports scipy"
    ),
    "out of range": Way(
        "config.yaml", "flow: \\w+", "blocks: 0", "presets_and_settings_are_valid", "at least 1, not 0"
    ),
    "no such kind": Way("method.py", '"micro", "macro"', '"tiny",', "class_is_a_method", "not ('tiny',)"),
    "a crash": Way("method.py", "features = ", "features = 1 / 0 * ", "a_fold_fits_and_predicts", "ZeroDivisionError"),
    "no such feature": Way("method.py", r"ures\(CHAIN", 'ures("a"', "a_fold_fits_and_predicts", "unknown feature 'a'"),
    "a score too few": Way(
        "method.py", "urn scores", "urn scores[1:]", "a_fold_fits_and_predicts", "gave shape (59, 1)"
    ),
    "a gap": Way(
        "method.py",
        "return scores",
        "scores[9] = np.nan; return scores",
        "a_fold_fits_and_predicts",
        "score_frames gave NaN between scores for synthetic/s001/v01",
    ),
    "chance": Way(
        "method.py",
        "return scores",
        "return scores + np.random.default_rng().random()",
        "same_seed_same_predictions",
        "the same fold twice",
    ),
    "outside": Way("method.py", r"\n\nPlugin", PROPOSE, "proposals_are_intervals", "its apex lies outside the video"),
    "several": Way(
        "method.py",
        r"\n\nPlugin",
        PROPOSE.replace("return [", "return [Prediction(video.key, 'micro', 9, 9, 9, 0.5), ").replace(
            "-5, -2, 3", "1, 2, 3"
        ),
        "one_interval_in_short_videos",
        "several intervals in one short video",
    ),
}
OF_LINEAR = {
    "a state beside the buffers": Way(
        "method.py", r"self\.weights\b", "self.w", "state_is_saved_whole", "has no attribute 'w'", 0
    ),
    "a training that acts on scores": Way(
        "config.yaml",
        "acts: training",
        "acts: postprocess",
        "what_acts_on_scores_trains_nothing",
        "method.l2=0.0001: frame scores of",
    ),
}
OF_RECOGNIZER = {
    "a state beside the buffers": Way(
        "method.py",
        r'self\.register_buffer\("means", (.*)\)  #',
        r"self.means = \1  #",
        "state_is_saved_whole",
        "the loaded method classifies differently",
    ),
    "a class too few": Way(
        "method.py", r"\.numpy\(\)", ".numpy()[:, 1:]", "a_fold_fits_and_predicts", "classify gave shape"
    ),
    "clips beside": Way(
        "method.py", r"\.numpy\(\)", ".numpy() / len(clips)", "classes_have_finite_scores", "other clips"
    ),
}
OF_NETWORK = {
    "a layer too large": Way("method.py", r"7 \* 7", "8 * 8", "a_fold_fits_and_predicts", "mat1 and mat2 shapes"),
    "dropout that stays": Way(
        "method.py", r"nn\.Flatten\(\)", "nn.Flatten(), AlwaysDropout()", "classes_have_finite_scores", "other clips"
    ),
}
OF_LIGHTNING = {
    "a layer too large": Way(
        "method.py", r"28 \* 28, classes", "29 * 28, classes", "a_fold_fits_and_predicts", "mat1 and mat2"
    ),
    "dropout that stays": OF_NETWORK["dropout that stays"],
}
DROPOUT = "\n\nclass AlwaysDropout(nn.Module):\n    def forward(self, x):\n        return nn.functional.dropout(x)\n"
HERE = r"\n\nPlugin"
VIDEOS = """
    def videos(self):
        return {}


Plugin"""
FRAMES = """
    def frames(self, video):
        import numpy as np

        return np.zeros((60, 9, 9))


Plugin"""
SAME = """
    def frames(self, video):
        frames = super().frames(video)

        class Same(type(frames)):
            def fingerprint(self):
                return "same"

        frames.__class__ = Same
        return frames


Plugin"""
POINTS = """
    def landmarks(self, video):
        import numpy as np

        return np.zeros((5, 2))


Plugin"""
REPAIRS = """
    def repairs(self):
        return [""]


Plugin"""
OF_DATASET = {
    "no root asked for": Way(
        "dataset.py",
        HERE,
        VIDEOS.replace("{}", "super().videos() if self.params.root else []"),
        "a_missing_root_is_one_sentence",
        "dataset.root=None is not refused",
    ),
    "unsorted videos": Way(
        "dataset.py",
        HERE,
        VIDEOS.replace("{}", "list(super().videos())[::-1]"),
        "videos_are_sorted_and_unique",
        "must be sorted by key",
    ),
    "another kind": Way(
        "dataset.py",
        '"micro", "macro"',
        '"micro",',
        "expressions_lie_inside_their_videos",
        "macro is not among the kinds ('micro',)",
    ),
    "labels in capitals": Way(
        "dataset.py",
        r"Scheme\.native\(LABELS\)",
        'Scheme("native", ("a",), {"Joy": "a"})',
        "schemes_are_valid",
        "its labels must be lower case",
    ),
    "one fingerprint": Way("dataset.py", HERE, SAME, "fingerprints_are_stable", "two videos have one fingerprint"),
    "five points": Way("dataset.py", HERE, POINTS, "landmarks_are_68_points", "landmarks of shape (5, 2)"),
    "an empty repair": Way("dataset.py", HERE, REPAIRS, "repairs_are_sentences", "'' is not a sentence"),
    "frames of numbers": Way("dataset.py", HERE, FRAMES, "frames_are_images", "must be uint8, not float64"),
}
OWN = {
    SPOTTER: OF_METHODS | OF_SPOTTER,
    LINEAR: OF_METHODS | OF_LINEAR,
    RECOGNIZER: OF_METHODS | OF_RECOGNIZER,
    NETWORK: OF_METHODS | OF_NETWORK,
    LIGHTNING: OF_METHODS | OF_LIGHTNING,
    DATASET: OF_DATASET,
}
"""Each template is broken in 20 ways or more, those of `ANY` among them."""


def test_folder_checks_see_each_promise_broken():
    assert min(len(ANY) + len(ways) for ways in OWN.values()) >= 20
    expected = {way.check for ways in (ANY, *OWN.values()) for way in ways.values()}
    checks = [*contracts.method_checks("random"), *contracts.dataset_checks("synthetic")]
    promised = {check.name for check in checks}
    seen = {name.replace("KIND", kind) for name in expected for kind in registry.PLUGIN_KINDS}
    assert promised - seen == {"predictions_do_not_depend_on_test_labels"}  # in tests/testing/test_contracts.py


def broken(kit, write_plugin, template, way):
    """A copy of a new plugin with one thing changed, in a folder that is forgotten afterwards; its id and its code."""
    id_ = f"broken_{template}"
    kind = kind_of(template)
    root = write_plugin("method", "unused").parent / "broken"
    folder = root / f"{kind}s" / id_
    shutil.copytree(kit / f"{kind}s" / f"kit_{template}", folder)
    path = folder / way.file.replace("KIND", kind)
    if way.pattern is None:
        path.unlink()
    else:
        before = path.read_text()
        after = way.after.replace("OTHER", "recognize" if template in (SPOTTER, LINEAR) else "spot")
        text = re.sub(way.pattern, after, before, count=way.times)
        assert text != before, "nothing was broken"
        path.write_text(text + DROPOUT * ("AlwaysDropout" in after))
    registry.add_paths([root])
    return id_, folder / f"{kind}.py"


def complaint_of(template, id_, way):
    """What the check says, and all checks by name."""
    checks = {one.name: one for one in plugin_checks(kind_of(template), id_)}
    name = way.check.replace("KIND", kind_of(template))
    try:
        checks[name].run()
    except AssertionError as error:
        complaint = str(error)
    except unittest.SkipTest as missing:
        pytest.fail(f"left out: {missing}")
    else:
        pytest.fail("nothing is reported")
    assert "\n" not in complaint
    assert len(complaint) < 800
    assert complaint.endswith(checks[name].fix)
    assert way.sentence.replace("KIND", kind_of(template)) in complaint
    return complaint, checks


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("way", ANY)
def test_folder_checks_say_what_to_do_for_any_broken_plugin(kit, write_plugin, way, template):
    """And what follows from it is not reported as well."""
    id_, _ = broken(kit, write_plugin, template, ANY[way])
    _, checks = complaint_of(template, id_, ANY[way])
    if "card" not in ANY[way].check:
        for name, check in checks.items():
            if name not in (ANY[way].check.replace("KIND", kind_of(template)), "params_import_nothing_heavy"):
                with suppress(unittest.SkipTest):
                    check.run()
        with pytest.raises(unittest.SkipTest, match=r"^needs \w+ first$"):
            checks[list(checks)[-1]].run()


@pytest.mark.parametrize(("template", "way"), [(template, way) for template, ways in OWN.items() for way in ways])
def test_folder_checks_say_what_is_wrong_with_one_template(kit, write_plugin, template, way):
    id_, code = broken(kit, write_plugin, template, OWN[template][way])
    complaint, _ = complaint_of(template, id_, OWN[template][way])
    if way == "a crash":
        line = next(n for n, text in enumerate(code.read_text().splitlines(), 1) if "1 / 0" in text)
        assert complaint.startswith(f"method.py, line {line}: ZeroDivisionError")


def test_check_tells_each_promise_and_fails(mebench, kit, write_plugin):  # noqa: F811
    id_, code = broken(kit, write_plugin, DATASET, ANY["no card"])
    code_, out, _ = mebench("check", id_, "--plugins", code.parents[2])
    assert code_ == 1
    assert (
        "BROKEN  card_names_the_paper: datasets/broken_dataset has no card: write README.md. Describe the plugin in README.md"
        in out
    )
    assert out.endswith("broken_dataset: 14 of 15 promises kept\n")
    code_, _, errors = mebench("check", "kit_spoter", "--plugins", kit)
    assert code_
    assert "unknown plugin 'kit_spoter'. Did you mean 'kit_spotter'" in errors
