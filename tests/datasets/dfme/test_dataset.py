"""DFME: a drawn tree of three sets and three frame rates."""

import shutil
from collections import Counter

import pytest
from mebench.datasets.dfme import dataset as dfme, fake

from mebench.annotations.drawn import write_csv
from mebench.config import resolve
from mebench.core import Expression, SubjectKey
from mebench.errors import ConfigError, DataError
from mebench.runner import host, make_plan
from tests.helpers.contracts import check_dataset
from tests.helpers.warnings_of_runs import warnings_of


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("dfme") / "tree"
    dfme.Dfme.write_fake_tree(root)
    return root


def dataset(root, **params):
    return dfme.Dfme(dfme.Dfme.Params(str(root), **params))


def test_Dfme_keeps_contract(root):
    assert check_dataset("dfme", root=str(root)) == []


def test_videos_of_all_sets_keep_their_rates(root):
    set_ = dataset(root)
    assert Counter(v.fps for v in set_.videos()) == {500.0: 4, 300.0: 2, 200.0: 3}
    names = {"training_full_with_AU.xlsx", "test_A_full_with_AU.xlsx", "test_B_full_with_AU.xlsx"}
    assert {path.name for path in set_.sheet_files} == names
    assert not any("could hold the annotations too" in text for text in set_.repairs())
    video = set_.videos()[0]
    assert video.key == "dfme/sub0003/sub0003_01"
    assert video.expressions == (  # files are numbered from 0
        Expression(12, 70, apex=40, emotion="anger", action_units=("23",), objective="III"),
    )


def test_videos_of_one_named_sheet(root):
    sheet = root / "full_release_annotation" / "test_A_full_with_AU.xlsx"
    assert [v.id for v in dataset(root, annotations=str(sheet)).videos()] == ["sub0301_01", "sub0301_02"]


def test_videos_read_second_copy_of_sheet_once(root, tmp_path):
    """A browser's second download, and another program's csv: each expression would be there two and three times."""
    for file in (root / "full_release_annotation").iterdir():
        shutil.copy(file, tmp_path)
    shutil.copy(tmp_path / "training_full_with_AU.xlsx", tmp_path / "training_full_with_AU (1).xlsx")
    again, new = (
        (person, clip, 12, 40, 70, "anger", 500)
        for person, clip in (("SUB0003", "SUB0003_01"), ("sub0003", "sub0003_03"))
    )
    write_csv(tmp_path / "train.csv", [(*fake.HEADER[:6], "Fps"), again, new])
    set_ = dataset(tmp_path)
    assert Counter(len(v.expressions) for v in set_.as_annotated()) == {1: 10}
    copy, table = (r for r in set_.repair_rows() if r.altered)
    assert "6 of its 6 rows are in training_full_with_AU" in copy.reason
    assert table.found == "train.csv"
    assert table.reason.startswith("1 of its 2 rows are in training_full_with_AU")


@pytest.mark.parametrize(
    ("fps", "people"), [(500, {"sub0003", "sub0004"}), (300, {"sub0110"}), (200, {"sub0301", "sub0402"})]
)
def test_videos_of_one_part(root, fps, people):
    set_ = dataset(root, fps=fps)
    assert {v.subject for v in set_.videos()} == {v.subject for v in set_.as_annotated()} == people
    assert any(f"'{fps}'" in text and "rows of other rates are left out" in text for text in set_.repairs())


def test_Params_refuse_rates_without_part(root):
    with pytest.raises(ConfigError, match=r"dataset\.fps=250.*200, 300 and 500"):
        dfme.Dfme.Params(fps=250)
    sheet = root / "full_release_annotation" / "test_A_full_with_AU.xlsx"
    with pytest.raises(DataError, match=r"no row of test_A_full_with_AU\.xlsx has this rate. Choose one of 200"):
        dataset(root, annotations=str(sheet), fps=500).videos()


def test_videos_clean_labels_and_missing_apex(root):
    by_clip = {v.id: v.expressions[0] for v in dataset(root).videos()}
    assert by_clip["sub0004_01"].emotion == "happiness"
    assert by_clip["sub0301_02"].apex is None
    three = dataset(root).schemes["three"]
    assert Counter(map(three.class_of, by_clip.values())) == {"negative": 6, "positive": 1, "surprise": 1, None: 1}


def test_method_runs_on_one_part(root, tmp_path):
    words = ["method=random", "dataset=dfme", f"dataset.root={root}", "dataset.fps=500", f"cache={tmp_path}"]
    plan = make_plan(resolve(words))
    assert (len(plan.data.folds), len(plan.data.videos), plan.data.task.one_per_video) == (2, 4, True)
    result = host.execute_fold(plan, plan.data.folds[0])
    assert {p.video for p in result.predictions} == {"dfme/sub0003/sub0003_01", "dfme/sub0003/sub0003_02"}


def test_method_runs_on_all_parts_with_each_rate(root, tmp_path):
    plan = make_plan(resolve(["method=random", "dataset=dfme", f"dataset.root={root}", f"cache={tmp_path}"]))
    found = {p.video: p.offset - p.onset for p in host.execute_fold(plan, plan.data.folds[2]).predictions}
    assert set(found) == {"dfme/sub0110/sub0110_01", "dfme/sub0110/sub0110_02"}
    assert set(found.values()) == {2 * 17 - 1}  # the others' mean of 115 ms is 34.6 frames at 300 a second, so k' is 17


def test_challenge_sets_are_known_by_name(root, tmp_path):
    """1,856, 474 and 299 clips of 176, 42 and 41 people; the clips of a set are those of its people."""
    fake.write_sheets(tmp_path)
    set_ = dataset(tmp_path)
    videos = set_.videos()
    clips = Counter(set_.split(v.subject_key) for v in videos)
    people = Counter(set_.split(key) for key in {v.subject_key for v in videos})
    assert clips == {"train": 1856, "test_A": 474, "test_B": 299}
    assert people == {
        "train": 176,
        "test_A": 42,
        "test_B": 41,
    }
    assert set_.published.expressions == {"micro": len(videos)}
    assert set_.published.subjects == people.total()
    assert len(set_.schemes["seven"].classes) == 7
    assert all(map(set_.schemes["seven"].scored, videos))
    assert set_.split(SubjectKey("dfme", "nobody")) == ""


def test_challenge_trains_on_training_set(root, tmp_path):
    words = ["method=majority", "dataset=dfme", "protocol=dfme", f"cache={tmp_path}"]
    assert [fold.key for fold in make_plan(resolve([*words, f"dataset.root={root}"])).data.folds] == [
        "test_A",
        "test_B",
    ]
    without = tmp_path / "without"
    shutil.copytree(root, without, ignore=shutil.ignore_patterns("*test_B*"))
    words.append(f"dataset.root={without}")
    plan = make_plan(resolve([*words, "protocol.test=A"]))
    (fold,) = plan.data.folds
    assert fold.key == "test_A"
    assert fold.test == (SubjectKey("dfme", "sub0301"),)
    assert {s.subject for s in (*fold.train, *fold.valid)} == {"sub0003", "sub0004", "sub0110"}
    assert plan.data.scheme.name == "seven"
    assert plan.data.tested == {"dfme/sub0301/sub0301_01"}
    assert "2629 clips of 259 subjects" in " ".join(warnings_of(plan))
    with pytest.raises(ConfigError, match=r"needs the set test_B of DFME, and there is train, test_A"):
        make_plan(resolve(words))
    with pytest.raises(ConfigError, match=r"protocol dfme scores no scheme=three: give one of seven"):
        make_plan(resolve([*words, "protocol.test=A", "scheme=three"]))
