"""Several datasets as one."""

import pytest

from mebench.core import Dataset, Expression, Scheme, SubjectKey, Video
from mebench.core.dataset import Composite
from mebench.errors import ConfigError

THREE = ("negative", "positive", "surprise")


class Lab(Dataset):
    """A dataset of one clip for each label, every one of subject 1."""

    revision = "3"
    one_per_video = True

    def __init__(self, id_, labels, scored, **attributes):
        super().__init__(None)
        self.id, self.labels = id_, labels
        self.schemes = {"native": Scheme.native(labels), "three": Scheme("three", THREE, scored)}
        vars(self).update(attributes)

    def videos(self):
        return [
            Video(self.id, "1", f"v{n}", 200.0, 50, (Expression(3, 30, emotion=label),))
            for n, label in enumerate(self.labels)
        ]

    def frames(self, video):
        return (self.id, video.id)

    def repairs(self):
        return ["row 7"]


@pytest.fixture
def both():
    casme2 = Lab("casme2", ("disgust", "fear"), {"disgust": "negative"})
    samm = Lab("samm", ("fear", "happiness"), {"fear": "negative", "happiness": "positive"})
    return Composite({"casme2": casme2, "samm": samm})


def test_Composite_remark_joins_different_remarks_once():
    members = {
        str(n): Lab("lab", ("fear",), {}, remark=remark) for n, remark in enumerate(["drawn", "dense", "drawn", ""])
    }
    assert Composite(members).remark == "drawn; dense"


def test_Composite_videos_keep_their_dataset(both):
    videos = both.videos()
    assert [v.key for v in videos] == ["casme2/1/v0", "casme2/1/v1", "samm/1/v0", "samm/1/v1"]
    assert both.frames(videos[0]) == ("casme2", "v0")
    assert [both.find_home(v)[1] for v in videos] == ["casme2", "casme2", "samm", "samm"]
    assert both.repairs() == ("casme2: row 7", "samm: row 7")


def test_Composite_subjects_of_one_number_are_two_people(both):
    assert {v.subject_key for v in both.videos()} == {SubjectKey("casme2", "1"), SubjectKey("samm", "1")}


def test_Composite_scores_labels_as_their_own_dataset(both):
    """MEGC 2019 scores the fear of SAMM as negative and leaves that of CASME II out."""
    three = both.schemes["three"]
    scored = {v.key: three.class_of(v.expressions[0]) for v in both.videos()}
    assert scored == {
        "casme2/1/v0": "negative",
        "casme2/1/v1": None,
        "samm/1/v0": "negative",
        "samm/1/v1": "positive",
    }


def test_Composite_native_classes_are_those_of_all_members(both):
    native = both.schemes["native"]
    assert native.classes == ("disgust", "fear", "happiness")
    assert [native.class_of(v.expressions[0]) for v in both.videos()] == ["disgust", "fear", "fear", "happiness"]


def test_Composite_tasks_are_those_of_all_members():
    spotter = Lab("a", ("x",), {}, tasks=frozenset({"spot"}), kinds=("micro", "macro"), one_per_video=False)
    every = Lab("b", ("x",), {})
    mixed = Composite({"a": spotter, "b": every})
    assert (mixed.tasks, mixed.kinds, mixed.one_per_video) == (frozenset({"spot"}), ("micro",), False)
    assert mixed.revision == "3+3"


def test_Composite_refuses_members_without_common_task_or_kind():
    spotter, recognizer = (Lab(t, ("x",), {}, tasks=frozenset({t})) for t in ("spot", "recognize"))
    with pytest.raises(ConfigError, match="spot and recognize have no task in common"):
        Composite({"spot": spotter, "recognize": recognizer})
    micro, macro = (Lab(k, ("x",), {}, kinds=(k,)) for k in ("micro", "macro"))
    with pytest.raises(ConfigError, match="no kind of expression in common"):
        Composite({"micro": micro, "macro": macro})


def test_Composite_refuses_a_video_of_two_members():
    lab = Lab("a", ("x",), {})
    with pytest.raises(ConfigError, match="both hold the video a/1/v0"):
        Composite({"a": lab, "copy": lab}).videos()


def test_Composite_drops_a_scheme_of_two_meanings(both):
    other = Lab("o", ("x",), {})
    other.schemes = {"native": other.schemes["native"], "three": Scheme("three", ("good", "bad"), {})}
    assert list(Composite({"samm": both.members["samm"], "o": other}).schemes) == ["native"]


def test_Composite_person_is_shared_between_members(both):
    both.members["samm"].person = lambda key: SubjectKey("everywhere", key.subject)
    assert both.person(SubjectKey("samm", "1")) == SubjectKey("everywhere", "1")
    assert both.person(SubjectKey("casme2", "1")) == SubjectKey("casme2", "1")


def test_Composite_person_asks_the_member_that_holds_the_subject(both):
    """As one with ready-made maps of CASME II, beside CASME II itself."""
    maps = Lab("casme2", ("fear",), {"fear": "negative"})
    maps.videos = lambda: [Video("casme2", "sub1", "map", None, 1), Video("smic", "s1", "map", None, 1)]
    maps.person = lambda key: SubjectKey(key.dataset, key.subject.lstrip("sub"))
    three = Composite({**both.members, "maps": maps})
    assert three.person(SubjectKey("casme2", "sub1")) == three.person(SubjectKey("casme2", "1"))
    assert three.person(SubjectKey("smic", "s1")) == SubjectKey("smic", "1")
