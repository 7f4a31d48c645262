"""One plugin under two names."""

import numpy as np
import pytest

from mebench.core import Dataset, Expression, Scheme, SubjectKey, Video
from mebench.core.dataset import Composite, Renamed


class Lab(Dataset):
    revision, schemes, kinds = "7", {"native": Scheme.native(["joy"])}, ("micro", "macro")
    one_per_video = True

    def videos(self):
        return [Video("lab", s, "v", 30.0, 9, (Expression(1, 3, emotion="joy"),)) for s in "12"]

    def frames(self, video):
        return video.key

    def landmarks(self, video):
        return np.array([int(video.subject)])

    def provided(self, video, name):
        return np.array([f"{video.key} {name}"])

    def untouched(self, video):
        return f"{video.dataset} {video.id} before"

    def person(self, key):
        return SubjectKey("people", f"{key.dataset} {key.subject}")


@pytest.fixture
def renamed():
    return Renamed(Lab(None), "other")


def test_Renamed_gives_own_data_under_the_other_name(renamed):
    (one, two) = renamed.videos()
    assert (one.key, two.key) == ("other/1/v", "other/2/v")
    assert one.expressions == Lab(None).videos()[0].expressions
    assert renamed.frames(one) == "lab/1/v"
    assert renamed.untouched(one) == "lab v before"
    assert renamed.landmarks(two).item() == 2
    assert renamed.provided(two, "flow").item() == "lab/2/v flow"
    assert (renamed.revision, renamed.kinds, renamed.one_per_video) == ("7", ("micro", "macro"), True)


def test_Renamed_person_stays_the_same(renamed):
    assert renamed.person(SubjectKey("other", "1")) == SubjectKey("people", "lab 1")


def test_Renamed_twice_makes_a_composite():
    both = Composite({name: Renamed(Lab(None), name) for name in ("fast", "slow")})
    assert [v.key for v in both.videos()] == ["fast/1/v", "fast/2/v", "slow/1/v", "slow/2/v"]
    assert both.person(SubjectKey("fast", "1")) == both.person(SubjectKey("slow", "1"))
