"""A card says what was done, and changes when and only when the numbers can."""

from dataclasses import replace
from importlib import metadata

import cv2
import pytest
from hypothesis import given, strategies as st

from mebench.core import Chain
from mebench.features import (
    EyesAndMouth,
    FaceCrop,
    Flow,
    LbpTop,
    Magnify,
    MinMax,
    Resize,
    Strain,
    explain,
)

MEAN = Chain("mean_frames", (FaceCrop(), Flow(k=3), Strain(), MinMax(), EyesAndMouth("paper")))

steps = st.tuples(
    st.builds(FaceCrop, size=st.sampled_from([64, 128]), upsample=st.integers(0, 1)),
    st.builds(Flow, algorithm=st.sampled_from(["tvl1", "dis"]), k=st.integers(1, 2), stride=st.integers(1, 2)),
    st.builds(Strain, difference=st.sampled_from(["backward", "forward", "central"])),
    st.builds(Resize, size=st.integers(28, 29)),
)


@given(steps, steps)
def test_explain_chain_differs_exactly_where_fingerprints_do(one, other):
    a, b = Chain("c", one), Chain("c", other)
    same = a.fingerprint() == b.fingerprint()
    assert (explain.explain_chain(a)["text"] == explain.explain_chain(b)["text"]) is same
    assert (explain.explain_chain(a) == explain.explain_chain(b)) is same


@pytest.mark.parametrize("package", ["opencv_version", "dlib_version"])
def test_explain_chain_names_versions_of_libraries(monkeypatch, package):
    before = explain.explain_chain(MEAN)["text"]
    monkeypatch.setattr(explain, package, lambda: "0.0.1")
    assert explain.explain_chain(MEAN)["text"] != before


def test_explain_chain_names_versions_of_steps(monkeypatch):
    before = explain.explain_chain(MEAN)["text"]
    monkeypatch.setattr(MinMax, "version", MinMax.version + 1)
    assert explain.explain_chain(MEAN)["text"] != before


def test_explain_chain_tells_source_of_landmarks_only_if_read():
    source = "68 points, from somewhere."
    boxes = replace(MEAN, steps=(*MEAN.steps[:-1], EyesAndMouth("box")))
    assert source in explain.explain_chain(MEAN, source)["text"]
    assert source not in explain.explain_chain(boxes, source)["text"]
    turned = replace(boxes, steps=(FaceCrop(align="eyes"), *boxes.steps[1:]))
    assert source in explain.explain_chain(turned, source)["text"]


def test_explain_chain_lists_steps_with_parameters_and_papers():
    card = explain.explain_chain(MEAN)
    assert [step["step"] for step in card["steps"]] == [type(step).__name__ for step in MEAN.steps]
    flow = {p["name"]: p for p in card["steps"][1]["parameters"]}
    assert flow["k"]["value"] == 3
    assert "gap in frames" in flow["k"]["meaning"]
    # Of a choice only what was chosen is explained.
    assert "TV-L1 (Zach et al. 2007)" in flow["algorithm"]["meaning"]
    assert "Farneback" not in flow["algorithm"]["meaning"]
    assert "MEAN, equation 3" in card["steps"][2]["sources"]
    assert any("Zach et al. 2007" in source for source in card["steps"][1]["sources"])
    assert card["gives"] == "one feature for each frame i that has a frame i + 3."
    assert all(len(line) <= explain.WIDTH for line in card["text"].splitlines())


@pytest.mark.parametrize("algorithm", ["tvl1", "tvl1_eps05", "farneback", "farneback_single", "dis"])
def test_explain_chain_tells_each_flow_with_its_paper_alone(algorithm):
    papers = {"farneback": "Farneback 2003", "dis": "Kroeger et al. 2016", "tvl1": "Zach et al. 2007"}
    paper = papers[algorithm.partition("_")[0]]
    flow = explain.explain_chain(replace(MEAN, steps=(FaceCrop(), Flow(algorithm, k=3))))["steps"][1]
    assert flow["sources"][0] == paper
    assert sum(author in flow["parameters"][0]["meaning"] for author in ("Zach", "Farneback", "Kroeger")) == 1


def test_explain_chain_tells_defaults_of_tvl1_as_in_opencv():
    tvl1 = cv2.optflow.DualTVL1OpticalFlow.create()
    meaning = explain.explain_chain(MEAN)["steps"][1]["parameters"][0]["meaning"]
    for word, value in {
        "tau {:.3g}": tvl1.getTau(),
        "lambda {:.3g}": tvl1.getLambda(),
        "theta {:.3g}": tvl1.getTheta(),
        "{} scales": tvl1.getScalesNumber(),
        "factor {:.3g}": tvl1.getScaleStep(),
        "{} warps": tvl1.getWarpingsNumber(),
        "{} outer": tvl1.getOuterIterations(),
        "{} inner": tvl1.getInnerIterations(),
        "median filter {}": tvl1.getMedianFiltering(),
        "epsilon {:.3g}": tvl1.getEpsilon(),
    }.items():
        assert word.format(value).replace("0.", ".") in meaning


def test_explain_chain_tells_inherited_parameters():
    card = explain.explain_chain(Chain("c", (FaceCrop(), LbpTop()), "clips"))
    assert all(parameter["meaning"] for parameter in card["steps"][1]["parameters"])


def test_explain_chain_names_library_behind_a_step(monkeypatch):
    chain = Chain("c", (FaceCrop(), Magnify(), LbpTop()), "clips")
    before = explain.explain_chain(chain)
    name = chain.fingerprint()
    assert f"scipy = {metadata.version('scipy')}" in before["text"]
    monkeypatch.setattr("mebench.core.chain.library_version", lambda _: "0.0.1")
    assert chain.fingerprint() != name
    assert "scipy = 0.0.1" in explain.explain_chain(chain)["text"]


@pytest.mark.parametrize(
    ("chain", "gives"),
    [
        (Chain("c", (FaceCrop(), Flow()), "clips"), "one feature for each clip, from its onset to its apex."),
        (Chain("c", (FaceCrop(), Flow(k=7))), "one feature for each frame i that has a frame i + 7."),
    ],
)
def test_explain_chain_says_what_a_chain_gives(chain, gives):
    assert explain.explain_chain(chain)["gives"] == gives
