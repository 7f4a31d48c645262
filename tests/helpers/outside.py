"""Data that the repository does not hold: looked for in the folders of `MEBENCH_TEST_DATA`, separated as in `PATH`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "MEBENCH_TEST_DATA"
FLOW = "megc2019_flow"
"""The flow maps of the MEGC 2019 composite, as the authors of STSTNet publish them: 68 folders of subjects."""
TWO_PHASE = "megc2019_two_phase"
"""The maps of both phases of the same clips, as the authors of CausalNet publish them."""


def find(name: str) -> Path | None:
    """The file or folder of that name, or None."""
    folders = filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))
    paths = (Path(folder).resolve() / name for folder in folders)
    return next((path for path in paths if path.exists()), None)


def outside(name: str, what: str = "") -> Path:
    """The same; without it the test is skipped, and says what it needs."""
    found = find(name)
    if found is None:
        pytest.skip(f"needs {name}{f' ({what})' if what else ''} in a folder that {VARIABLE} names")
    return found


def flow_maps() -> Path:
    """The folder of the flow maps of MEGC 2019."""
    return outside(FLOW, "the flow maps of MEGC 2019, published with STSTNet")


def two_phase_maps() -> Path:
    """The folder of the two-phase maps of MEGC 2019."""
    return outside(TWO_PHASE, "the maps of both phases of MEGC 2019, published with CausalNet")
