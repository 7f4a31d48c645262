"""Where in a film a model is blind: while the person does something during which it missed what was put into other films."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mebench.features.activity import ACTIVITIES, Activity
from mebench.inference.alarm_rates import STRONG, recovered_by_scores
from mebench.inference.models import Model
from mebench.inference.predict import Answer
from mebench.inference.recovery import WORDS, Share
from mebench.output.terminal import format_count

FEWEST = 8
"""Injections that it takes to call a model blind."""
MOST_SHARE = 0.4
"""Share found, at the upper end of its 95 % interval, below which a model is blind."""
Stretches = Sequence[tuple[int, int, Activity]]


def recovered_on_card(models: Sequence[Model]) -> dict[Activity, Share]:
    """What a model found of strong injections into films of real people. It is by what the people did; empty if its card has nothing."""
    header = models[0].header
    if header is None:
        return {}
    return {activity: Share(found, of) for activity, (found, of) in recovered_by_scores(header.scores).items()}


def is_blind(share: Share) -> bool:
    """Whether so few strong injections were found that nothing spotted means nothing."""
    _, highest = share.interval
    return share.of >= FEWEST and highest < MOST_SHARE


def blind_stretches(answer: Answer, known: Mapping[Activity, Share]) -> Stretches:
    """The stretches of a film in which the model is blind."""
    return [one for one in answer.activities if one[2] in known and is_blind(known[one[2]])]


def describe_blindness(answer: Answer, known: Mapping[Activity, Share], fps: float) -> Iterator[str]:
    """A sentence for each thing that the person does while the model is blind."""
    stretches = blind_stretches(answer, known)
    for activity in ACTIVITIES:
        own = [(first, last) for first, last, what in stretches if what == activity]
        if own:
            seconds = sum(last - first + 1 for first, last in own) / fps
            places = format_count(len(own), "stretch", "stretches")
            yield (
                f"{WORDS[activity]}, {places}, {seconds:.1f} s, this model is blind: of micro-expressions of {STRONG:g} % of the distance "
                f"between the eyes and more, put into films of other people, it found {known[activity].describe()} then: nothing "
                "spotted there means nothing"
            )
