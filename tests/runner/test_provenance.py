"""What a plan's methods load, and who says on what it was trained."""

import numpy as np
import pytest

from mebench.config import resolve
from mebench.runner import make_plan
from mebench.runner.provenance import describe_loaded, hash_file_or_folder

METHOD = """
from mebench.core import Method
from .params import Params as _Params

class Head(Method):
    Params = _Params
    tasks = frozenset({"recognize"})

Plugin = Head
"""


def write_plugin(folder, name, more):
    place = folder / "methods" / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text('"""A head."""\n')
    (place / "params.py").write_text(
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Params:\n    pass\n"
    )
    (place / "method.py").write_text(METHOD)
    (place / "config.yaml").write_text(f"title: Head\nsummary: a head\ntasks: [recognize]\n{more}")
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
    write_plugin(tmp_path, name, declared)
    plan = make_plan(resolve([f"method={name}", "dataset=synthetic", "dataset.preset=tiny", *words], [], [tmp_path]))
    described = describe_loaded(plan.access.methods, plan.config.pretrained)
    if expected is None:
        assert described == {}
        return
    assert described["pretrained"] == expected
    assert described["loaded"] == [
        {"name": "head.npz", "sha256": hash_file_or_folder(tmp_path / "head.npz"), "counted": False}
    ]


def test_hash_file_or_folder_covers_names_and_contents_of_folder(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a.pth").write_bytes(b"1")
    before = hash_file_or_folder(tmp_path / "w")
    (tmp_path / "w" / "a.pth").rename(tmp_path / "w" / "b.pth")
    assert hash_file_or_folder(tmp_path / "w") != before
    assert hash_file_or_folder(tmp_path / "nothing") == ""
