"""A chain in plain sentences: the answer to "which preprocessing made the features?", taken from the steps' own docstrings."""

import inspect
import re
import textwrap
from typing import Any

from mebench.core import Chain, attributes
from mebench.features.base import VolumeStep, dlib_version, opencv_version
from mebench.features.flow import Flow
from mebench.features.pipeline import route_of

WIDTH = 100
_CITATION = re.compile(
    r"\(([^()]*\b(?:(?:19|20)\d\d|equations?|sections?)\b[^()]*)\)|((?:[A-Z][\w-]+(?:, | and | et al\. ))+\d{4})"
)


def explain(chain: Chain, landmarks: str = "") -> dict[str, Any]:
    """The card of a chain; it changes if and only if its name changes or anything that its numbers depend on.

    Args:
        chain: to be explained.
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
    reads, flow = route.maps_need_landmarks or route.crop.needs_landmarks, isinstance(route.core, Flow)
    seen = "its onset to its apex" if flow else "all its frames" if isinstance(route.core, VolumeStep) else "its apex"
    gives = {
        "frames": f"one feature for each frame i{f' that has a frame i + {route.gap}' if route.gap else ''}.",
        "clips": f"one feature for each clip, from {seen}.",
    }
    steps: list[dict[str, Any]] = []
    for step in chain.steps:
        description = (inspect.getdoc(type(step)) or "").partition("\n\nAttributes:")[0]
        meanings, parameters = attributes(type(step)), list[dict[str, Any]]()
        for name, value in step.identity().items():
            meaning = meanings.get(name, "")
            if isinstance(value, str):  # of a list of choices, the meaning of the chosen one
                parts = re.split(r"(?<=[;.]) (?=`)", meaning)
                meaning = next((part for part in parts if part.startswith(f"`{value}`")), meaning)
                meaning = re.sub(rf"^`{re.escape(value)}`(?:: | is |, )?", "", meaning)
            if name not in ("step", "version"):
                parameters.append({"name": name, "value": value, "meaning": meaning.replace("`", "").strip(";. ")})
        cited = [_CITATION.findall(part) for part in (description, *(p["meaning"] for p in parameters))]
        steps.append(
            {
                "step": type(step).__name__,
                "version": step.version,
                "what": " ".join(description.partition("\n\n")[0].split()).replace("`", ""),
                "parameters": parameters,
                "sources": [*dict.fromkeys(" ".join((a or b).split()) for found in cited for a, b in found)],
            }
        )
    halved = f"crops to 8 bits{', flow to half precision (float16)' if flow else ''}, the feature to half precision (float16)"
    card: dict[str, Any] = {
        "chain": chain.name,
        "gives": gives[chain.scope],
        "steps": steps,
        "landmarks": (landmarks or None) if reads else None,
        "stored": f"Rounding: {halved}; in between float32.",
        "opencv": opencv_version(),
        "dlib": dlib_version(),
        "fingerprint": chain.fingerprint(),
    }
    lines = [f"{card['chain']}: {card['gives']}"]
    for number, entry in enumerate(steps, 1):
        lines += _wrapped(f"{number}. {entry['step']} (version {entry['version']}). {entry['what']}", "", "   ")
        for name, value, meaning in (p.values() for p in entry["parameters"]):
            lines += _wrapped(f"{name} = {value}" + (f": {meaning}" if meaning else ""), "   ", "      ")
        if entry["sources"]:
            lines += _wrapped(f"source: {'; '.join(entry['sources'])}", "   ", "      ")
    if card["landmarks"]:
        lines += _wrapped(f"Landmarks: {card['landmarks']}", "", "   ")
    lines += _wrapped(card["stored"], "", "   ")
    lines.append(f"OpenCV {card['opencv']}, dlib {card['dlib']}; fingerprint {card['fingerprint']}.")
    return card | {"text": "\n".join(lines)}


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(text.strip(), WIDTH, initial_indent=first, subsequent_indent=then)
