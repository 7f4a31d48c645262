"""Datasets whose clips are public only as ready-made features."""

import numpy as np
import pytest

from mebench.annotations import ClipFeatureDataset, FeatureClip
from mebench.core import Expression, SubjectKey, Video
from mebench.errors import DataError

CLIPS = (("s2", "b", "fear", 3.0), ("s1", "a", "joy", 1.0), ("s1", "c", "joy", 2.0))


class Published(ClipFeatureDataset):
    """Takes its clips from the outside."""

    feature, people = "texture", "studio"

    def __init__(self, clips=CLIPS):
        super().__init__(None)
        self.clips = clips

    def read_clips(self):
        for subject, name, emotion, value in self.clips:
            yield FeatureClip("published", subject, name, emotion, np.full(6, value), ("flagged",))


def test_clip_feature_dataset_sorts_videos_of_one_frame():
    videos = Published().videos()
    expression = Expression(0, 0, apex=0, emotion="joy", flags=("flagged",))
    assert videos[0] == Video("published", "s1", "a", None, 1, (expression,))
    assert [video.key for video in videos] == ["published/s1/a", "published/s1/c", "published/s2/b"]


def test_clip_feature_dataset_gives_one_block_to_its_chain():
    dataset = Published()
    block = dataset.provided(dataset.videos()[1], "texture")
    assert (block.shape, block.dtype) == ((1, 1, 6), np.float32)
    assert (block == 2).all()
    assert dataset.provided(dataset.videos()[1], "flow") is None
    assert not dataset.has_frames


def test_clip_feature_dataset_takes_people_of_recordings():
    assert Published().person(SubjectKey("published", "s1")) == SubjectKey("studio", "s1")


@pytest.mark.parametrize("other", [("s3", "b", "fear", 3.0), ("s2", "b", "joy", 3.0), ("s2", "b", "fear", 3.5)])
def test_clip_feature_dataset_hashes_names_labels_numbers(other):
    assert Published().revision == Published(CLIPS[::-1]).revision
    assert Published((other, *CLIPS[1:])).revision != Published().revision


def test_clip_feature_dataset_refuses_a_clip_twice():
    with pytest.raises(DataError, match="hold published/s1/a twice"):
        Published((*CLIPS, CLIPS[1])).check()
