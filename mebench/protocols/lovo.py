"""Leave one video out."""

from __future__ import annotations

from collections import Counter

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol


def lovo(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """One fold for each video, tested by a model of all other videos, those of the same person among them.

    Who validates is drawn among the other subjects, all of whose videos then validate.

    Raises:
        ConfigError: fewer than two videos.
    """
    if len(people.videos) < 2:
        raise ConfigError(
            f"leaving one video out needs at least 2 videos, and this dataset has {len(people.videos)}: use one with more"
        )
    n_videos = Counter(video.subject_key for video in people.videos)
    return [
        people.fold(
            video.key,
            [video.subject_key],
            videos=[video.key] if n_videos[video.subject_key] > 1 else (),
            strangers=False,
        )
        for video in sorted(people.videos, key=lambda v: v.key)
    ]


LOVO = Protocol(
    "lovo",
    "leave one video out: each video is tested by a model of all others, also of the same person",
    Card(
        needs="2 videos or more, any task, short or long videos",
        trains="all other videos, those of the tested person among them",
        tests="each video once, in a fold of its own",
        scores="the predictions of all folds pooled",
        classes="those of scheme=NAME, or of the dataset's first scheme",
        source="as described, with its bias, by Xie et al. 2020, arXiv 2012.11307",
        marks="subject_dependent: the model knows the person, so scores are too high for anybody new",
    ),
    lovo,
    subject_dependent=True,
)
