"""A chain's fingerprint changes if and only if its numbers do."""

from dataclasses import dataclass, replace
from typing import ClassVar

from mebench.core import Chain, Step
from mebench.core.chain import Level
from mebench.features import FaceCrop, Flow, Strain


@dataclass(frozen=True)
class Cut(Step):
    level: ClassVar[Level] = "video"
    size: int = 128


@dataclass(frozen=True)
class Motion(Step):
    version: ClassVar[int] = 2
    level: ClassVar[Level] = "pair"
    k: int = 3


@dataclass(frozen=True)
class Shrink(Step):
    size: int = 28


CHAIN = Chain("maps", (Cut(), Motion(), Shrink()))


def test_Chain_fingerprint_ignores_the_name():
    assert replace(CHAIN, name="other").fingerprint() == CHAIN.fingerprint()


def test_Chain_fingerprint_holds_parameters_order_scope_versions():
    class Newer(Shrink):
        version: ClassVar[int] = 2

    Newer.__name__ = "Shrink"
    others = [
        replace(CHAIN, steps=(Cut(), Motion(k=4), Shrink())),
        replace(CHAIN, steps=(Cut(64), Motion(), Shrink())),
        replace(CHAIN, steps=(Cut(), Motion(), Newer())),
        replace(CHAIN, steps=(Cut(), Shrink(), Motion())),
        replace(CHAIN, steps=(Cut(), Motion())),
        replace(CHAIN, scope="clips"),
    ]
    assert len({CHAIN.fingerprint(), *(c.fingerprint() for c in others)}) == 7


def test_Chain_shares_first_stages_of_equal_beginnings():
    other = replace(CHAIN, steps=(Cut(), Motion(), Shrink(14)), scope="clips")
    assert other.fingerprint("video") == CHAIN.fingerprint("video")
    assert other.fingerprint("video", "pair") == CHAIN.fingerprint("video", "pair")
    assert CHAIN.fingerprint("video") != CHAIN.fingerprint("video", "pair") != CHAIN.fingerprint()


def test_Chain_fingerprint_is_pinned():
    """Pinned: stored features are named after it, so an accidental change would orphan every store."""
    assert Chain("any", (FaceCrop(), Flow(k=3), Strain())).fingerprint() == "d1223a040b26a0ac"


def test_Chain_fingerprint_tells_steps_of_two_plugins_apart():
    other = type("Cut", (Step,), {"__module__": "another.plugin", "__qualname__": "Cut"})
    ours = type("Cut", (Step,), {"__module__": "one.plugin", "__qualname__": "Cut"})
    assert Chain("any", (other(),)).fingerprint() != Chain("any", (ours(),)).fingerprint()


def test_Chain_card_names_every_parameter():
    assert CHAIN.card().splitlines()[1:] == ["  1. Cut(size=128) v1", "  2. Motion(k=3) v2", "  3. Shrink(size=28) v1"]
    assert CHAIN.at("pair") == (Motion(),)
