"""The published maps of both phases: a drawn tree of the same layout, and the real one where it is."""

import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
from mebench.datasets.megc2019_flow import dataset as megc2019_flow
from mebench.datasets.megc2019_two_phase import dataset as megc2019_two_phase, params as megc2019_two_phase_params

from mebench.annotations.flow_maps import DRAWN
from mebench.config import resolve
from mebench.config.registry import list_plugins
from mebench.errors import DataError
from mebench.features import FlowDirection
from tests.helpers.outside import flow_maps, two_phase_maps


def dataset(root, **params):
    return megc2019_two_phase.Megc2019TwoPhase(megc2019_two_phase.Megc2019TwoPhase.Params(str(root), **params))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_phase") / "clone"
    megc2019_two_phase.Megc2019TwoPhase.write_fake_tree(folder)
    return folder


@pytest.fixture
def tree(drawn, tmp_path):
    """One that a test may damage."""
    return shutil.copytree(drawn, tmp_path / "clone")


def test_stand_in_is_read_like_real_set(drawn):
    set_ = dataset(drawn)
    videos = set_.videos()
    assert (len(videos), len({v.subject_key for v in videos})) == (24, 6)
    assert {v.expressions[0].emotion for v in videos} == {"negative", "positive", "surprise"}
    maps = [set_.provided(videos[0], name) for name in megc2019_two_phase.ENDINGS]
    assert all(m.shape == (28, 28, 3) and m.dtype == np.uint8 for m in maps)
    assert len({m.tobytes() for m in maps}) == 4
    assert set_.provided(videos[0], "another_chain") is None


def test_stand_in_shares_clips_and_first_maps(drawn, tmp_path):
    megc2019_flow.Megc2019Flow.write_fake_tree(tmp_path / "flow")
    one_phase = megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(str(tmp_path / "flow")))
    two_phase = dataset(drawn)
    assert one_phase.videos() == two_phase.videos()
    for video in one_phase.videos()[::7]:
        chain = "onset_apex_flow_28"
        np.testing.assert_array_equal(one_phase.provided(video, chain), two_phase.provided(video, chain))


def test_methods_have_same_settings_on_both_sets():
    """Or one that takes the first set's maps by its defaults would ask the second for frames."""
    for method in list_plugins("method"):
        first, second = (
            resolve([f"method={method}", f"dataset={set_}", "dataset.root=."]).method_params
            for set_ in ("megc2019_flow", "megc2019_two_phase")
        )
        assert first == second, method


def test_revision_follows_maps_and_classes(tree):
    before = dataset(tree).revision
    file = next((tree / megc2019_two_phase_params.MAPS).glob("*_3 .png"))
    cv2.imwrite(str(file), np.zeros((28, 28, 3), np.uint8))
    assert dataset(tree).revision != before


def no_root(tree):
    return None, "give dataset.root=PATH"


def the_maps_alone(tree):
    return tree / "datasets", f"has no folder {megc2019_two_phase_params.MAPS}"


def no_list(tree):
    (tree / megc2019_two_phase_params.LIST).unlink()
    return tree, f"has no {megc2019_two_phase_params.LIST}"


def one_phase_missing(tree):
    for _, _, clip, _ in DRAWN:
        (tree / megc2019_two_phase_params.MAPS / f"{clip}_1 .png").unlink()
    return (
        tree,
        "apex_offset_flow_28 is missing for 24 of 24 clips, the first is 006_006_1_1: expected '006_006_1_1_1 .png'",
    )


def maps_of_nobody(tree):
    shutil.copy(
        next((tree / megc2019_two_phase_params.MAPS).glob("*_1 .png")),
        tree / megc2019_two_phase_params.MAPS / "sub99_EP01 .png",
    )
    return tree, "sub99_EP01 belongs to no clip"


def one_set_only(tree):
    (tree / megc2019_two_phase_params.LABELS / "006" / "u_test" / "1" / "006_006_1_1 .png").unlink()
    return tree, f"clip samm/006/006_006_1_1 is in {megc2019_two_phase_params.LIST} but not in"


def class_renamed(tree):
    folder = tree / megc2019_two_phase_params.LABELS / "sub02" / "u_test"
    (folder / "2").rename(folder / "surprise")
    return tree, "surprise is not a class: expected 0"


def classes_exchanged(tree):
    folder = tree / megc2019_two_phase_params.LABELS / "sub02" / "u_test"
    for before, after in (("2", "x"), ("0", "2"), ("x", "0")):
        (folder / before).rename(folder / after)
    return tree, r"clip casme2/sub02/sub02_EP02_02f has class 2 in .* and 0 in .*take both from one version"


def unknown_class(tree):
    (tree / megc2019_two_phase_params.LIST).write_text(
        (tree / megc2019_two_phase_params.LIST).read_text().replace("EP02_01f,1", "EP02_01f,7")
    )
    return tree, "has the class '7': expected 0, 1 or 2"


@pytest.mark.parametrize(
    "fault",
    [no_root, the_maps_alone, no_list, one_phase_missing, maps_of_nobody, one_set_only, class_renamed, classes_exchanged, unknown_class],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_videos_refuse_faulty_clone_in_a_sentence(tree, fault):
    root, reason = fault(tree)
    with pytest.raises(DataError, match=reason) as error:
        megc2019_two_phase.Megc2019TwoPhase(
            megc2019_two_phase.Megc2019TwoPhase.Params(None if root is None else str(root))
        ).videos()
    assert "\n" not in str(error.value)


def test_folders_by_class_may_lie_elsewhere(tree, tmp_path):
    shutil.move(tree / megc2019_two_phase_params.LABELS, tmp_path / "flow")
    assert dataset(tree).videos() == dataset(tree, classes=str(tmp_path / "flow")).videos()
    with pytest.raises(DataError, match=r"dataset\.classes=.*gone is not a folder"):
        dataset(tree, classes=str(tmp_path / "gone")).videos()


def test_published_set_has_clips_of_one_phase_set():
    """Table 1 of See et al., MEGC 2019 (doi 10.1109/FG.2019.8756611)."""
    one_phase = megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(str(flow_maps()))).videos()
    videos = dataset(two_phase_maps(), classes=str(flow_maps())).videos()
    assert videos == one_phase
    assert Counter(v.expressions[0].emotion for v in videos) == {"negative": 250, "positive": 109, "surprise": 83}


def test_published_directions_equal_published_flow():
    set_ = dataset(two_phase_maps())
    same = [
        (FlowDirection().apply(set_.provided(video, f"{phase}_flow_28"), None) == set_.provided(video, f"{phase}_direction_28")).all(-1)
        for video in set_.videos()[::15]
        for phase in ("onset_apex", "apex_offset")
    ]  # fmt: skip
    assert np.mean(same) > 0.998


def test_published_sets_show_same_clips_differently():
    one_phase = megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(str(flow_maps())))
    two_phase = dataset(two_phase_maps())
    pairs = [[set_.provided(v, "onset_apex_flow_28") for set_ in (one_phase, two_phase)] for v in one_phase.videos()]
    assert not any(np.array_equal(*pair) for pair in pairs)
