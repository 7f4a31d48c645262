"""What a network in ONNX needs, besides its weights, to spot as mebench does.

It is plain data for a file beside the network, which gives scores of frames: how its input is made, and how scores become intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mebench.core import SpottingParams
from mebench.core.peaks import baseline_reach
from mebench.features.cuts import FARTHEST, GLIDING_SECONDS, LEAST_CORRELATION, REDUCED_SIDE
from mebench.features.explain import explain_chain
from mebench.inference.models import INPUT, Model, ModelHeader
from mebench.inference.predict import fitted_method, task_of_model, timing_at

FORMAT = 1
"""Version of the layout of a recipe."""


def describe_spotting(
    model: Model, network: Path, outputs: Sequence[str], header: ModelHeader | None = None
) -> dict[str, Any]:
    """How a model spots, apart from its network.

    Frames are counted at the frame rate of its first training.

    Args:
        model: model of a fold of a run, or of a file.
        network: file of its network.
        outputs: names of the network's outputs.
        header: description of the model, by which mebench reads the network again; None for the spotter of a pair.

    Returns:
        `network`, `input`, `outputs`, `kinds`, `classes`; `features`, the card of each chain (`features.explain_chain`);
        `timing` in frames; `levels` by kind, None if they are relative to each film; `spotting`, the options by which scores
        become intervals, with `baseline_frames` on each side of a frame and `lead` by kind; `cuts`, how they are found; `header`.
    """
    task = task_of_model(model.about)
    method = fitted_method(model)
    timing = timing_at(model.timings, float(model.timings[0]["fps"]), task.kinds)
    options = SpottingParams.from_params(method.params)
    baseline = options.baseline
    levels = method.state_dict().get("thresholds")
    return {
        "format": FORMAT,
        "model": model.name,
        "network": network.name,
        "input": INPUT,
        "outputs": list(outputs),
        "kinds": list(task.kinds),
        "classes": list(task.classes),
        "features": [explain_chain(chain) for chain in method.adjusted_chains(timing).values()],
        "timing": {"fps": timing.fps, "k": timing.k, "k_prime": dict(timing.k_prime)},
        "levels": None if levels is None else dict(zip(task.kinds, levels.tolist())),
        "spotting": {
            **{field.name: getattr(options, field.name) for field in fields(SpottingParams)},
            "baseline_frames": None if baseline is None else baseline_reach(baseline, timing.fps),
            "lead": {kind: method.score_lead(timing, kind) for kind in task.kinds},
        },
        "cuts": {
            "least_correlation": LEAST_CORRELATION,
            "gliding_seconds": GLIDING_SECONDS,
            "reduced_side": REDUCED_SIDE,
            "farthest": FARTHEST,
        },
        "header": None if header is None else header.model_dump(),
    }
