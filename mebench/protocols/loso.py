"""Leave one subject out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mebench.core.seeds import stable_seed
from mebench.core.types import Fold, Video
from mebench.errors import ConfigError


def loso(videos: Sequence[Video], seed: int = 0, validation: float = 0.2) -> list[Fold]:
    """One fold for each subject, tested by a model of all the others.

    Some of the others validate, drawn by subject with the run's seed. Only methods that select something hold them out; for
    all other methods they train too.

    Args:
        videos: in any order; the folds depend on the set of subjects only.
        seed: draws the validation subjects.
        validation: their share, rounded, at least one and never all; none with two subjects.

    Raises:
        ConfigError: fewer than two subjects.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", s, "EP01", 200.0, 90) for s in ("01", "02", "03")]
    >>> [(f.key, len(f.train), len(f.valid)) for f in loso(clips)]
    [('casme2/01', 1, 1), ('casme2/02', 1, 1), ('casme2/03', 1, 1)]
    """
    subjects = sorted({video.subject_key for video in videos})
    if len(subjects) < 2:
        who = str(subjects[0]) if subjects else "nobody"
        raise ConfigError(
            f"leaving one subject out needs at least 2 subjects, and this dataset has {len(subjects)} ({who}): use a dataset with more"
        )
    folds = []
    for test in subjects:
        others = [s for s in subjects if s != test]
        count = min(max(1, round(validation * len(others))), len(others) - 1)
        rng = np.random.default_rng(stable_seed(seed, "inner validation", str(test)))
        drawn = {others[i] for i in rng.permutation(len(others))[:count]}
        folds.append(
            Fold(
                key=str(test),
                train=tuple(s for s in others if s not in drawn),
                valid=tuple(s for s in others if s in drawn),
                test=(test,),
            )
        )
    return folds
