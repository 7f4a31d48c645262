"""The reader of files that are sent to a challenge, in this process: it takes a second to start."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from mebench.challenges import bundle
from mebench.sandbox import confinement


@pytest.fixture(autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs here, unconfined; a test marked `processes` has the real one."""

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        _, module, name, *words = command
        assert module == "-m"
        with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.MonkeyPatch.context() as patch:
            patch.setattr(confinement, "confine_process", lambda _: None)
            patch.setattr(sys, "argv", [name, *words])
            patch.delitem(sys.modules, name)  # or it is run twice, which Python tells
            with contextlib.suppress(Exception):
                runpy.run_module(name, run_name="__main__")
        return SimpleNamespace(stdout=printed.getvalue())

    if request.node.get_closest_marker("processes") is None:
        monkeypatch.setattr(bundle, "subprocess", SimpleNamespace(run=run, TimeoutExpired=TimeoutError))
