"""A chain in plain sentences: the answer to "which preprocessing made the features?", taken from the steps' own docstrings."""

import inspect
import re
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from mebench.core import Chain, attributes
from mebench.features import Flow, VolumeStep, dlib_version, opencv_version, route_of

WIDTH = 100
_CITATION = re.compile(
    r"\(([^()]*\b(?:(?:19|20)\d\d|equations?|sections?)\b[^()]*)\)|((?:[A-Z][\w-]+(?:, | and | et al\. ))+\d{4})"
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a step: its value, and what it means (of a choice, what this value means)."""

    name: str
    value: Any
    meaning: str


@dataclass(frozen=True)
class StepCard:
    """One step: what it does, with which parameters, and which papers its docstring names."""

    step: str
    version: int
    what: str
    parameters: tuple[Parameter, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """Everything besides the frames that the numbers of a chain depend on.

    Attributes:
        chain: its name.
        gives: what it gives one feature for.
        steps: in order.
        landmarks: where they come from, if a step reads them.
        stored: how numbers are rounded between the steps.
        opencv: version of OpenCV.
        dlib: version of dlib.
        fingerprint: of steps, parameters and versions of steps.
    """

    chain: str
    gives: str
    steps: tuple[StepCard, ...]
    landmarks: str | None
    stored: str
    opencv: str
    dlib: str
    fingerprint: str

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """In a few lines, as a paper's appendix could carry it."""
        lines = [f"{self.chain}: {self.gives}"]
        for number, step in enumerate(self.steps, 1):
            lines += _wrapped(f"{number}. {step.step} (version {step.version}). {step.what}", "   ")
            for p in step.parameters:
                lines += _wrapped(f"   {p.name} = {p.value}" + (f": {p.meaning}" if p.meaning else ""), "      ")
            if step.sources:
                lines += _wrapped(f"   source: {'; '.join(step.sources)}", "      ")
        if self.landmarks:
            lines += _wrapped(f"Landmarks: {self.landmarks}", "   ")
        lines += _wrapped(self.stored, "   ")
        return "\n".join([*lines, f"OpenCV {self.opencv}, dlib {self.dlib}; fingerprint {self.fingerprint}."])


def explain(chain: Chain, landmarks: str = "") -> Card:
    """The card of a chain; it changes with all that its numbers depend on, and with nothing else but its name.

    Args:
        chain: to be explained.
        landmarks: where its landmarks come from, in words; told only if a step reads them.

    Raises:
        ConfigError: its steps do not fit together.
    """
    route = route_of(chain)
    reads, flow = route.maps_need_landmarks or route.crop.needs_landmarks, isinstance(route.core, Flow)
    seen = "its onset to its apex" if flow else "all its frames" if isinstance(route.core, VolumeStep) else "its apex"
    gives = {
        "frames": f"one feature for each frame i{f' that has a frame i + {route.gap}' if route.gap else ''}.",
        "clips": f"one feature for each clip, from {seen}.",
    }
    steps = []
    for step in chain.steps:
        description = (inspect.getdoc(type(step)) or "").partition("\n\nAttributes:")[0]
        meanings, parameters = attributes(type(step)), []
        for name, value in step.identity().items():
            meaning = meanings.get(name, "")
            if isinstance(value, str):  # of a list of choices, what is said of the chosen one
                parts = re.split(r"(?<=[;.]) (?=`)", meaning)
                meaning = next((part for part in parts if part.startswith(f"`{value}`")), meaning)
                meaning = re.sub(rf"^`{re.escape(value)}`(?:: | is |, )?", "", meaning)
            if name not in ("step", "version"):
                parameters.append(Parameter(name, value, meaning.replace("`", "").strip(";. ")))
        cited = [_CITATION.findall(part) for part in (description, *(p.meaning for p in parameters))]
        sources = dict.fromkeys(" ".join((a or b).split()) for found in cited for a, b in found)
        what = " ".join(description.partition("\n\n")[0].split()).replace("`", "")
        steps.append(StepCard(type(step).__name__, step.version, what, tuple(parameters), tuple(sources)))
    halved = f"crops to 8 bits{', flow to half precision (float16)' if flow else ''}, the feature to half precision (float16)"
    return Card(
        chain=chain.name,
        gives=gives[chain.scope],
        steps=tuple(steps),
        landmarks=(landmarks or None) if reads else None,
        stored=f"Rounding: {halved}; in between float32.",
        opencv=opencv_version(),
        dlib=dlib_version(),
        fingerprint=chain.fingerprint(),
    )


def _wrapped(text: str, indent: str) -> list[str]:
    first = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), WIDTH, initial_indent=first, subsequent_indent=indent)
