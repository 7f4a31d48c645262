"""What is written down of a run, and its key: what predictions depend on, and not the order in which it was found."""

import getpass
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mebench.config import resolve
from mebench.config.registry import load_plugin
from mebench.core import Distractor
from mebench.files import code_hash
from mebench.runner import describe as runner_describe, identity, inputs, make_plan
from mebench.runner.describe import truth_tables
from mebench.runs import RunFolder

TWO = (
    *("method=mean", "dataset=[slow:synthetic,fast:synthetic]", "dataset.subjects=3", "dataset.fast.preset=fps200"),
    *("dataset.slow.seed=0", "dataset.fast.seed=1", "protocol=lodo"),
)


@pytest.fixture
def plan():
    return make_plan(resolve(list(TWO)))


def found_in_this_order(plan, chains):
    """An equal plan that finds its chains so."""
    return replace(make_plan(plan.config), known=chains)


def test_key_of_follows_chains_in_any_order(plan):
    key = identity.run_key(plan)
    chains = plan.features.chains
    turned = {group: some[::-1] for group, some in reversed(chains.items())}
    assert identity.run_key(found_in_this_order(plan, turned)) == key
    fewer = {group: some[:1] for group, some in chains.items()}
    assert identity.run_key(found_in_this_order(plan, fewer)) != key


def test_key_of_follows_annotations(plan):
    key = identity.run_key(plan)
    videos = plan.data.videos
    place, video = next((place, video) for place, video in enumerate(videos) if video.expressions)
    first, *others = video.expressions
    for expressions in (
        [replace(first, offset=first.offset + 1), *others],
        [replace(first, emotion="other"), *others],
        others,
    ):
        vars(plan.data)["videos"] = [
            *videos[:place],
            replace(video, expressions=tuple(expressions)),
            *videos[place + 1 :],
        ]
        assert identity.run_key(plan) != key


def test_key_of_follows_content_of_files_in_any_place(tmp_path):
    """Frames, the file that finds landmarks in them, and weights; drawn frames are identified by their dataset's revision."""
    one, copy = tmp_path / "one", tmp_path / "copy"
    of_one, of_copy = tmp_path / "of_one", tmp_path / "of_copy"
    load_plugin("dataset", "cas_me2").write_fake_tree(one)
    of_one.mkdir()
    for name in ("face.dat", "weights.pt"):
        (of_one / name).write_text("of one")
    shutil.copytree(one, copy)
    shutil.copytree(of_one, of_copy)

    def key(root, *, files=of_one):
        places = [f"method.landmarks={files / 'face.dat'}", f"method.weights={of_one / 'weights.pt'}"]
        words = ["method=softnet", "method.align=pose", "dataset=cas_me2", f"dataset.root={root}", *places]
        other = make_plan(resolve(words))
        return identity.run_key(other)

    keys = [key(one)]
    assert key(copy, files=of_copy) == keys[0]
    for file in (sorted(copy.rglob("*.jpg"))[0], of_copy / "face.dat", of_one / "weights.pt"):
        file.write_bytes(file.read_bytes() + b"0")
        keys.append(key(copy, files=of_copy))
    assert len(set(keys)) == 4


def test_content_of_drawn_dataset_is_empty(plan):
    assert identity.hash_contents(plan.features, plan.access.methods) == []


def test_truth_tables_hold_distractors_that_leave_the_key(plan):
    vars(plan.data)["videos"] = [replace(video, distractors=()) for video in plan.data.videos]
    plain = truth_tables(plan.data)
    assert plain.distractors is None
    key = identity.run_key(plan)
    video = plan.data.videos[0]
    vars(plan.data)["videos"] = [replace(video, distractors=(Distractor("blink", 3, 9),)), *plan.data.videos[1:]]
    tables = truth_tables(plan.data)
    assert tables.distractors.to_dict("records") == [{"video": video.key, "kind": "blink", "onset": 3, "offset": 9}]
    assert identity.run_key(plan) == key


def test_describe_sorts_cards_of_chains_by_videos(plan):
    expected = {
        "fast": [c.card() for c in plan.features.chains["fast"]],
        "slow": [c.card() for c in plan.features.chains["slow"]],
    }
    for chains in (plan.features.chains, dict(reversed(plan.features.chains.items()))):
        assert list(found_in_this_order(plan, chains).features.write_cards().items()) == list(expected.items())


def test_describe_notes_versions_of_computed_steps(plan, tmp_path):
    folder = RunFolder(tmp_path)
    runner_describe.describe_run(folder, plan, truth_tables(plan.data), "")
    steps = {type(step) for chains in plan.features.chains.values() for chain in chains for step in chain.steps}
    noted = folder.read_json("versions.json")["steps"]
    assert noted == ", ".join(sorted(f"{step.__name__} {step.version}" for step in steps))
    assert "Flow 2" in noted


def test_code_hash_ignores_order_of_files_on_disk(monkeypatch):
    listed = Path.rglob
    hashes = set()
    for turn in (list, lambda found: list(found)[::-1]):
        monkeypatch.setattr(Path, "rglob", lambda self, pattern, turn=turn: turn(listed(self, pattern)))
        hashes.add(inputs.short_hash(inputs.hash_own_code.__wrapped__(code_hash)))
    assert len(hashes) == 1


def test_made_by_names_user_and_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mebench.runner.describe.checkout_folder", lambda folder: [])
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert runner_describe.made_by.__wrapped__() == {"user": getpass.getuser()}
    (tmp_path / "plugin.py").touch()
    author = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    assert runner_describe.made_by.__wrapped__() == {"user": getpass.getuser(), "commit": commit}
    (tmp_path / "plugin.py").write_text("edited")
    assert runner_describe.made_by.__wrapped__()["dirty"] == "true"


def test_truth_tables_name_untouched_copies(plan):
    """Only where a dataset has some: the columns exist for no other."""
    assert "untouched" not in truth_tables(plan.data).truths
    home = plan.data.dataset
    home.untouched = lambda video: "clean" if video.subject.endswith("1") else ""
    truths = truth_tables(plan.data).truths
    subjects = truths["video"].str.rpartition("/")[0]
    expected = [f"{subject}/clean" if subject.endswith("1") else "" for subject in subjects]
    assert truths["untouched"].tolist() == expected
    assert any(expected)
    assert set(truths["flags"]) == {""}
