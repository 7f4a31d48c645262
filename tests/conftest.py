"""Fixtures that several tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import mebench.datasets
import mebench.methods

# No test is timed: on a busy machine an example may take seconds.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

CONFIG = "title: {title}\nsummary: for tests\ntasks: [spot]\n"
PARAMS = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n    p: float = 0.5\n"
CODE = "class Plugin:\n    tasks = frozenset({'spot'})\n"

WritePlugin = Callable[..., Path]


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePlugin]:
    """Writes `<root>/<kind>s/<id>/` and returns the root, for `--plugins`; afterwards nobody knows the plugins.

    The test works in an empty folder, without any file of the user's.
    """
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("MEBENCH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(
        kind: str,
        id_: str,
        *,
        config: str | None = "",
        params: str | None = PARAMS,
        code: str | None = CODE,
        root: str = "mine",
    ) -> Path:
        folder = tmp_path / root / f"{kind}s" / id_
        folder.mkdir(parents=True)
        head = CONFIG.format(title=id_.title())
        files = {
            "__init__.py": "",
            "config.yaml": head + config if config is not None else None,
            "params.py": params,
            f"{kind}.py": code,
        }
        for name, content in files.items():
            if content is not None:
                (folder / name).write_text(content)
        return tmp_path / root

    packages = (mebench.methods, mebench.datasets)
    paths = [list(package.__path__) for package in packages]
    modules = set(sys.modules)
    yield write
    for package, path in zip(packages, paths):
        package.__path__[:] = path  # type: ignore[index]
    for name in set(sys.modules) - modules:
        if name.startswith(("mebench.methods.", "mebench.datasets.")):
            del sys.modules[name]
            package_name, _, child = name.rpartition(".")
            if package_name in ("mebench.methods", "mebench.datasets"):
                vars(sys.modules[package_name]).pop(child, None)


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Words of a drawn dataset on which a fold trains in a second; its features are computed once in a session."""
    from mebench.testing import TINY, scratch

    return [*TINY, f"cache={scratch()}"]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in a worker process."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
