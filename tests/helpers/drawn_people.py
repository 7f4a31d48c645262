"""Generated datasets for the properties that every protocol has."""

from __future__ import annotations

from hypothesis import strategies as st

from mebench.core import Expression, SubjectKey, Video

EMOTIONS = ("anger", "happiness", "surprise", None)


def video(dataset, subject, number, *expressions, fps=200.0, n_frames=90):
    """A video; by default of one expression whose place follows from its number."""
    chosen = expressions or (Expression(number, 20 + number, emotion=EMOTIONS[number % 4]),)
    return Video(dataset, str(subject), f"v{number:02d}", fps, n_frames, tuple(chosen))


def datasets(names=("casme2", "samm"), subjects=("1", "2", "3", "01", "a/b", "s7"), most=40):
    """Lists of videos of some datasets whose subjects' ids collide, at least two people among them."""
    keys = st.tuples(st.sampled_from(names), st.sampled_from(subjects), st.integers(0, 9))
    lists = st.lists(keys, min_size=2, max_size=most, unique=True).map(lambda found: [video(*key) for key in found])
    return lists.filter(lambda videos: len({v.subject_key for v in videos}) >= 2)


def same_face(key):
    """People who keep their number in all datasets."""
    return SubjectKey("everywhere", key.subject)
