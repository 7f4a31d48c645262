"""Small files as others write them, and the command that scores them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import mebench

__all__ = ["mebench"]

TRUTH = """subject,video,onset,offset,emotion
1,a,10,20,Happiness
1,b,30,45,others
2,a,5,15,surprise
3,c,50,70,disgust
"""
# Subject 1, video a: 10 frames of a union of 12. Video b: elsewhere. Subject 2: 8 of 19. The last lies in a fifth video.
PREDICTIONS = """subject,video,onset,offset,emotion
1,a,11,21,happiness
1,b,60,75,others
2,a,-3,12,surprise
2,b,100,110,disgust
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes text or bytes into a file of the test's folder."""

    def _write(content: str | bytes, name: str = "file.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return _write


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Any]:
    """Runs `mebench score` and returns its JSON; of a failure exit code and message."""
    from mebench import cli

    def run(*words: object, fails: bool = False, bootstrap: int = 0) -> Any:
        target = tmp_path / "summary.json"
        argv = ["mebench", "score", *map(str, words), "--bootstrap", str(bootstrap), "--json", str(target)]
        monkeypatch.setattr(sys, "argv", argv)
        if fails:
            with pytest.raises(SystemExit) as end:
                cli.main()
            out, err = capsys.readouterr()
            assert out == ""
            assert "Traceback" not in err
            assert err.count("\n") == 1
            return int(end.value.code or 0), err
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code, capsys.readouterr().err
        return json.loads(target.read_text())

    return run
