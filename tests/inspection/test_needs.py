"""What a run needs is reported at once, in the words of the command line; with it all there, the methods run."""

import subprocess
import sys

import pytest
import torch

from mebench.annotations import SheetDataset
from mebench.config import registry, resolve
from mebench.core import Task, Timing
from mebench.errors import DataError
from mebench.features import FaceParams, landmarks, pipeline
from mebench.inspection.dataset_summary import check_needs
from mebench.output.progress import Progress
from mebench.runner import execute_sweep
from mebench.testing import contracts
from tests.helpers.stand_ins import COMPUTED
from tests.inspection.conftest import ROWS

TELL = """
import sys
from mebench import cli
for words in {lines!r}:
    sys.argv = ["mebench", *words]
    try:
        cli.main()
    except SystemExit as end:
        print(end.code, sorted({heavy!r} & set(sys.modules)))
"""


def test_check_needs_comes_before_heavy_imports(tree, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "sheet").mkdir()
    sheet = next(tree.glob("*.xlsx")).rename(tmp_path / "sheet" / "CASME2-coding-20140508.xlsx")
    run = ["run", "method=optical_strain"]
    casme2 = "dataset=casme2"
    lines = [
        [*run, casme2],
        [*run, casme2, "dataset.root=/nowhere"],
        [*run, casme2, f"dataset.root={tmp_path / 'empty'}"],
        [*run, casme2, f"dataset.root={sheet.parent}"],
        [*run, casme2, f"dataset.root={tree}", f"dataset.annotations={sheet}", "method.landmarks=/no/face.dat"],
        ["run", "-m", "method=optical_strain,mean", "seeds=0..1", casme2, "dataset.root=/nowhere"],
        ["features", "compute", "method=mean", casme2, "dataset.root=/nowhere"],
    ]
    code = TELL.format(lines=lines, heavy=set(contracts.HEAVY))

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["3 []"] * len(lines)
    sentences = done.stderr.splitlines()
    assert len(sentences) == len(lines)
    for message, words in zip(
        sentences,
        (
            "give dataset.root=PATH",
            "dataset.root=/nowhere is not a folder",
            "no annotations under dataset.root=",
            "casme2 has no frames below dataset.root=",
            "no landmark file /no/face.dat, named by method.landmarks=/no/face.dat",
            "dataset.root=/nowhere is not a folder",
            "dataset.root=/nowhere is not a folder",
        ),
    ):
        assert words in message


def test_check_needs_asks_for_landmark_file(tree, monkeypatch):
    monkeypatch.setattr(landmarks, "LANDMARKS_PACKAGE", "no-such-package-of-landmarks")
    monkeypatch.delenv(landmarks.VARIABLE, raising=False)

    words = ["dataset=casme2", f"dataset.root={tree}"]
    with pytest.raises(DataError) as error:
        check_needs([resolve(["method=bi_woof", *words]), resolve(["method=mean", *words])])
    assert str(error.value) == (
        'method=mean needs 68 facial landmarks, and casme2 contains none: pip install "mebench[landmarks]" installs a landmark file, '
        "method.landmarks=PATH or MEBENCH_LANDMARKS names one (shape_predictor_68_face_landmarks.dat), and method.regions=box "
        "needs none"
    )

    check_needs([resolve(["method=mean", "method.regions=box", *words]), resolve(["method=mean", "dataset=synthetic"])])
    messages = list[str]()
    (stands,) = check_needs([resolve(["method=mean", *words])], messages.append)
    assert stands.method_params.regions == "box"
    assert stands.values["method"]["regions"] == "box"
    assert len(messages) == 1
    assert "method.regions=box is used instead" in messages[0]
    assert "mebench[landmarks]" in messages[0]
    with pytest.raises(DataError, match="needs 68 facial landmarks"):  # what was asked for is never replaced
        check_needs([resolve(["method=mean", "method.regions=released_code", *words])], messages.append)

    pair = ["method=optical_strain", "method.regions=box", "recognizer=bi_woof", "recognizer.align=pose"]
    with pytest.raises(
        DataError, match=r"recognizer=bi_woof needs .*recognizer\.landmarks=PATH.*recognizer\.align=none"
    ):
        check_needs([resolve([*pair, "dataset=synthetic"])])


FACES = [
    info.id
    for info in registry.list_plugins("method").values()
    if not info.broken and issubclass(registry.params_class(info), FaceParams)
]


def params_by_layout(id_, align):
    """Parameters of a method for each layout of regions that it knows."""
    params = registry.params_class(registry.find_plugin("method", id_))
    known = getattr(params(), "regions", None) is not None
    layouts = [{"regions": layout} for layout in ("paper", "released_code", "box")] if known else [{}]
    return [params(align=align, **COMPUTED.get(id_, {}), **layout) for layout in layouts]


@pytest.mark.parametrize("align", ["none", "eyes"])
def test_needs_landmarks_agrees_with_the_steps(align):
    for id_ in FACES:
        method = registry.load_plugin("method", id_)
        for chosen in params_by_layout(id_, align):
            with torch.device("meta"):  # no weights: nobody looks at them
                built = method(chosen, Task(method.tasks, ("micro",), ("negative", "positive")))
            routes = [pipeline.route_of(chain) for chain in built.chains(Timing(200.0, 20, {"micro": 17})).values()]
            needs = any(route.maps_need_landmarks or route.crop.needs_landmarks for route in routes)
            assert chosen.needs_landmarks == needs, (id_, chosen)


def test_needs_landmarks_is_false_for_provided_features():
    provided = [id_ for id_, settings in COMPUTED.items() if "features" in settings]
    classes = [registry.params_class(registry.find_plugin("method", id_)) for id_ in provided]
    assert {params(align="eyes").needs_landmarks for params in classes} == {False}


def test_check_needs_passes_methods_that_run(tree, write_sheet, tmp_path):
    if landmarks.find_predictor() is None:
        pytest.skip("face_recognition_models is not installed: pip install 'mebench[landmarks]'")
    write_sheet(ROWS[0], *ROWS[2:])  # one clip of each person
    words = [
        "dataset=casme2",
        f"dataset.root={tree}",
        "protocol=holdout",
        "protocol.test=casme2/01",
        "method.flow=farneback",
        "bootstrap=0",
    ]
    places = [f"runs={tmp_path / 'runs'}", f"cache={tmp_path / 'cache'}", "workers=1"]
    configs = [
        resolve([f"method={id_}", *contracts.cut_down(registry.find_plugin("method", id_)), *words, *places])
        for id_ in ("mean", "bi_woof")
    ]
    check_needs(configs)
    outcomes = execute_sweep(configs, Progress())
    sections = [{"spotting", "recognition"} & set(outcome.summary) for outcome in outcomes]
    assert sections == [{"spotting", "recognition"}, {"recognition"}]


def test_dataset_check_passes_with_frames(tree, casme2):
    dataset = casme2(root=str(tree))
    assert isinstance(dataset, SheetDataset)
    assert dataset.check() is None
