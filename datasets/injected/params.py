"""Parameters of `injected`."""

from dataclasses import dataclass

from mebench.errors import ConfigError, check_known, refuse_if
from mebench.features.activity import ACTIVITIES
from mebench.features.injection import APART, SECONDS, STRENGTHS

from .public_films import LISTS

ANY = "any"
NEAREST = SECONDS[-1] / 2
"""Least of `apart`: half of the longest expression."""


@dataclass(frozen=True)
class Params:
    """The films, and what is put into them.

    Attributes:
        root: folder with films of faces, at any depth; the folders between it and a film name the person.
        videos: films at any place, instead of a root.
        films: a list of public films, `public`, or `training`, from which the included model of `block_motion` learnt; root is then the
            folder of their repositories' clones.
        fps: frames per second of all of them, where files state a wrong one.
        follow_links: follow links that lead out of the root.
        copies: copies of each film with micro-expressions, each with others.
        untouched: whether an untouched copy of each film stands beside them.
        seed: every random choice derives from it and from the name of the film.
        strengths: largest displacement of the smooth movement at the apex, per cent of the distance between the eyes; each is as frequent.
        apart: seconds from one to the next at least, and to both ends of a film; from onset to onset twice that on average. Short
            films that train a method need less, so that expressions stand at many places of them.
        activity: only films in which people mostly are `still`, in `speech`, or `turning` the head, as measured; `any` takes all.
        shading: whether furrows darken the skin, too.
        sham: move the skin away and back, so that nothing should be found.
        faces: folder in which the way of each face is kept, so that it is followed once.
    """

    root: str | None = None
    videos: tuple[str, ...] = ()
    films: str | None = None
    fps: float | None = None
    follow_links: bool = False
    copies: int = 3
    untouched: bool = True
    seed: int = 0
    strengths: tuple[float, ...] = STRENGTHS
    apart: float = APART
    activity: str = ANY
    shading: bool = False
    sham: bool = False
    faces: str = "~/.cache/mebench"

    def __post_init__(self) -> None:
        """Check the ranges."""
        object.__setattr__(self, "strengths", tuple(self.strengths))
        if self.films is not None:
            check_known("dataset.films", self.films, LISTS)
        check_known("dataset.activity", self.activity, (ANY, *ACTIVITIES))
        refuse_if(
            (not 1 <= self.copies <= 99, f"dataset.copies must be from 1 to 99, not {self.copies}"),
            (not 0 <= self.seed < 2**32, f"dataset.seed must be a whole number from 0 to 4294967295, not {self.seed}"),
            (
                not NEAREST <= self.apart <= 60,
                f"dataset.apart must be from {NEAREST} to 60 seconds, not {self.apart}",
            ),
            (
                not self.strengths or not all(0 < strength <= 100 for strength in self.strengths),
                f"dataset.strengths must be per cent of the distance between the eyes, above 0 and at most 100, not "
                f"{list(self.strengths)}: for example [2, 4, 8]",
            ),
            error=ConfigError,
        )
