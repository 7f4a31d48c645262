"""What a plan's methods load, and who says on what it was trained."""

import hashlib
import shutil

import numpy as np
import pytest

from mebench.config import resolve
from mebench.runner import make_plan
from mebench.runner.provenance import describe_landmark_files, describe_loaded, hash_file_or_folder
from tests.helpers.plugin_folders import PLUGINS


def copy_headed(folder, name, more):
    """Copy `headed` under another name, with more lines in its `config.yaml`, and write its head."""
    config = shutil.copytree(PLUGINS / "headed", folder / "methods" / name) / "config.yaml"
    config.write_text(config.read_text() + more)
    np.savez(folder / "head.npz", w=np.ones(3))


@pytest.mark.parametrize(
    ("declared", "words", "expected"),
    [
        ("reads: [../../head.npz]\n", [], "unknown"),
        ("reads: [../../head.npz]\npretrained: [samm]\n", [], ["samm"]),
        ("reads: [../../head.npz]\npretrained: none\n", [], "none"),
        ("reads: [../../head.npz]\n", ["pretrained=[casme2, imagenet]"], ["casme2", "imagenet"]),
        ("reads: [../../head.npz]\npretrained: [samm]\n", ["pretrained=unknown"], "unknown"),
        ("", ["pretrained=[casme2]"], None),
    ],
)
def test_describe_loaded_takes_word_of_user_then_of_plugin(tmp_path, declared, words, expected):
    name = tmp_path.name.replace("test_", "head_")  # the registry keeps the folders of all cases
    copy_headed(tmp_path, name, declared)
    plan = make_plan(resolve([f"method={name}", "dataset=synthetic", "dataset.preset=tiny", *words], [], [tmp_path]))
    described = describe_loaded(plan.access.methods, plan.config.pretrained)
    if expected is None:
        assert described == {}
        return
    assert described["pretrained"] == expected
    assert described["loaded"] == [
        {"name": "head.npz", "sha256": hash_file_or_folder(tmp_path / "head.npz"), "counted": False}
    ]


def test_describe_landmark_files_names_what_the_user_gave(tmp_path):
    """The file of the package is everybody's, so that only a named one is a fact of the run."""
    file = tmp_path / "own.dat"
    file.write_bytes(b"points")
    words = ["method=logistic", "dataset=synthetic", "dataset.preset=tiny"]
    named = make_plan(resolve([*words, f"method.landmarks={file}"]))
    hash_of_file = hashlib.sha256(b"points").hexdigest()[:8]
    assert describe_landmark_files(named.access.methods) == {"landmark_files": [f"own.dat ({hash_of_file})"]}
    assert describe_landmark_files(make_plan(resolve(words)).access.methods) == {}


def test_hash_file_or_folder_covers_names_and_contents_of_folder(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a.pth").write_bytes(b"1")
    before = hash_file_or_folder(tmp_path / "w")
    (tmp_path / "w" / "a.pth").rename(tmp_path / "w" / "b.pth")
    assert hash_file_or_folder(tmp_path / "w") != before
    assert hash_file_or_folder(tmp_path / "nothing") == ""
