"""A chain in plain sentences: the answer to "which preprocessing made the features?", taken from the steps' own docstrings."""

import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from mebench.core import Chain, Step
from mebench.core.options import attribute_meanings
from mebench.features.base import VolumeStep, dlib_version, opencv_version
from mebench.features.flow import Flow
from mebench.features.pipeline import Route, route_of

WIDTH = 100
"""Signs of a line of the text."""
_CITATION = re.compile(  # in brackets with a year, an equation or a section; or authors and a year in the text
    r"\(([^()]*\b(?:(?:19|20)\d\d|equations?|sections?)\b[^()]*)\)|((?:[A-Z][\w-]+(?:, | and | et al\. ))+\d{4})"
)


def explain_chain(chain: Chain, landmarks: str = "") -> dict[str, Any]:
    """The card of a chain.

    It changes if and only if the name of the chain changes, or anything that its numbers depend on.

    Args:
        chain: chain to be explained.
        landmarks: source of its landmarks, in words; shown only if a step reads them.

    Returns:
        Plain data: `chain`, its name; `gives`, the unit that one feature belongs to; `steps` in order, each with
        `step`, `version`, `what` it does, `parameters` (`name`, `value`, `meaning`: for a choice, that of its value),
        and the `sources` in its docstring; `landmarks`, null if no step reads them; `stored`, how numbers are rounded;
        versions of `opencv` and `dlib`; `fingerprint` of steps, parameters and versions; and `text`, all of it in a few
        lines, fit for a paper's appendix.

    Raises:
        ConfigError: its steps do not fit together.
    """
    route = route_of(chain)
    reads_landmarks = route.maps_need_landmarks or route.crop.needs_landmarks
    card: dict[str, Any] = {
        "chain": chain.name,
        "gives": _unit_of_feature(chain, route),
        "steps": [_step_entry(step) for step in chain.steps],
        "landmarks": (landmarks or None) if reads_landmarks else None,
        "stored": _rounding(route),
        "opencv": opencv_version(),
        "dlib": dlib_version(),
        "fingerprint": chain.fingerprint(),
    }
    return card | {"text": _card_text(card)}


def _unit_of_feature(chain: Chain, route: Route) -> str:
    """A sentence on the unit of a feature: a frame, or the part of a clip that is read."""
    if chain.scope == "frames":
        which = f" that has a frame i + {route.gap}" if route.gap else ""
        return f"one feature for each frame i{which}."
    if isinstance(route.core, Flow):
        seen = "its onset to its apex"
    elif isinstance(route.core, VolumeStep):
        seen = "all its frames"
    else:
        seen = "its apex"
    return f"one feature for each clip, from {seen}."


def _rounding(route: Route) -> str:
    """How numbers are rounded between the stages of the store."""
    flow = ", flow to half precision (float16)" if isinstance(route.core, Flow) else ""
    return f"Rounding: crops to 8 bits{flow}, the feature to half precision (float16); in between float32."


def _step_entry(step: Step) -> dict[str, Any]:
    """A step with its parameters, and the sources that its docstring cites."""
    description = (inspect.getdoc(type(step)) or "").partition("\n\nAttributes:")[0]
    first_paragraph = description.partition("\n\n")[0]
    meanings = attribute_meanings(type(step))
    values = {name: value for name, value in step.identity().items() if name not in ("step", "version")}
    parameters: list[dict[str, Any]] = [
        {"name": name, "value": value, "meaning": _meaning_of_value(value, meanings.get(name, ""))}
        for name, value in values.items()
    ]
    return {
        "step": type(step).__name__,
        "version": step.version,
        "what": _plain(" ".join(first_paragraph.split())),
        "parameters": parameters,
        "sources": _sources([description, *(parameter["meaning"] for parameter in parameters)]),
    }


def _meaning_of_value(value: object, meaning: str) -> str:
    """The meaning of a parameter; of a list of choices, that of the chosen one."""
    if isinstance(value, str):
        choices = re.split(r"(?<=[;.]) (?=`)", meaning)
        meaning = next((choice for choice in choices if choice.startswith(f"`{value}`")), meaning)
        meaning = re.sub(rf"^`{re.escape(value)}`(?:: | is |, )?", "", meaning)
    return _plain(meaning).strip(";. ")


def _plain(text: str) -> str:
    return text.replace("`", "")


def _sources(texts: Iterable[str]) -> list[str]:
    """The citations in some texts, each once."""
    found = [match for text in texts for match in _CITATION.findall(text)]
    return [*dict.fromkeys(" ".join((in_brackets or in_text).split()) for in_brackets, in_text in found)]


def _card_text(card: Mapping[str, Any]) -> str:
    """The card in a few lines, fit for a paper's appendix."""
    lines = [f"{card['chain']}: {card['gives']}"]
    for number, entry in enumerate(card["steps"], 1):
        lines += _wrapped(f"{number}. {entry['step']} (version {entry['version']}). {entry['what']}", "", "   ")
        for parameter in entry["parameters"]:
            meaning = f": {parameter['meaning']}" if parameter["meaning"] else ""
            lines += _wrapped(f"{parameter['name']} = {parameter['value']}{meaning}", "   ", "      ")
        if entry["sources"]:
            lines += _wrapped(f"source: {'; '.join(entry['sources'])}", "   ", "      ")
    if card["landmarks"]:
        lines += _wrapped(f"Landmarks: {card['landmarks']}", "", "   ")
    lines += _wrapped(card["stored"], "", "   ")
    lines.append(f"OpenCV {card['opencv']}, dlib {card['dlib']}; fingerprint {card['fingerprint']}.")
    return "\n".join(lines)


def _wrapped(text: str, first: str, then: str) -> list[str]:
    """Lines of at most `WIDTH` signs, indented by `first` and `then`."""
    return textwrap.wrap(text.strip(), WIDTH, initial_indent=first, subsequent_indent=then)
