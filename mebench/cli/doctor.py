"""`mebench doctor`: installed parts, places of files, and missing parts with the way to get them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import typer

from mebench import atomic, config, console, features
from mebench.cli.option_types import Json, Plugins
from mebench.errors import MebenchError

app = typer.Typer()

State = Literal["ok", "optional", "missing"]

FEWEST_FILES = 256
"""Open files below which workers fail."""


@dataclass(frozen=True)
class Finding:
    """One inspected part.

    Attributes:
        topic: `package`, `landmarks`, `place`, `dataset` or `plugin`.
        name: name of the part.
        state: `ok`; `optional` if only some runs need it; `missing` if nothing works without it.
        detail: version, place or reason.
        remedy: the way to get it, unless it is `ok`.
    """

    topic: str
    name: str
    state: State
    detail: str
    remedy: str = ""


@app.command("doctor", epilog="Example: mebench doctor")
def doctor(plugins: Plugins = None, json: Json = None) -> None:
    """Show installed and missing parts, and the places of files. Each missing part comes with the way to get it."""
    findings = [
        Finding(
            "package",
            "python",
            "ok" if sys.version_info >= (3, 11) else "missing",
            f"{platform.python_version()} at {sys.executable}",
            "install Python 3.11 or newer",
        )
    ]
    for requirement in importlib.metadata.requires("mebench") or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            if "extra ==" not in requirement:
                findings.append(Finding("package", name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            finding = Finding("package", name, "missing", "not installed", f"pip install '{requirement}'")
            if name == "dlib-bin" and importlib.util.find_spec("dlib"):  # of another package
                finding = Finding("package", name, "ok", "module dlib from another package")
            findings.append(finding)
    layer, where = config.setting_layers.Layer("none"), "none: ./mebench.yaml or ~/.config/mebench/config.yaml"
    try:
        if (path := config.user_file()) is not None:
            layer, where = config.setting_layers.read_file(path), str(path.absolute())
        set_up = [Finding("place", "user's file", "ok", where)]
    except MebenchError as error:
        set_up = [Finding("place", "user's file", "missing", str(error), "correct the file")]
    try:
        config.registry.add_paths([*config.more_plugins([layer]), *(plugins or ())])
    except MebenchError as error:
        set_up.append(Finding("plugin", "folders", "missing", str(error), "correct the path"))
    remedy = "pip install face_recognition_models; not needed for a dataset with its own landmarks"
    try:
        file = features.landmarks.find_predictor()
        landmarks = ("ok", str(file)) if file else ("optional", "not found", remedy)
    except MebenchError as error:
        landmarks = ("missing", str(error), "correct the variable or unset it")
    findings += [
        Finding("landmarks", "shape_predictor_68_face_landmarks.dat", *landmarks),
        *_places(layer),
        *set_up,
        *_datasets(layer),
        *(
            Finding("plugin", info.id, "optional", f"broken {kind}: {info.broken}", "fix or remove it")
            for kind in config.registry.PLUGIN_KINDS
            for info in config.registry.plugins(kind).values()
            if info.broken
        ),
    ]
    sound = all(f.state != "missing" for f in findings)
    if console.write_json({"ok": sound, "findings": [asdict(f) for f in findings]}, json):
        rows = [
            (f.name, f.topic, f.state, f.detail if f.state == "ok" or not f.remedy else f"{f.detail}: {f.remedy}")
            for f in findings
        ]
        console.print_table(("name", "what", "state", "detail"), rows)
    if not sound:
        raise typer.Exit(1)


def _places(layer: config.setting_layers.Layer) -> Iterator[Finding]:
    """The places of files, and the system's limits for workers: shared memory and open files."""
    defaults = config.RunSettings()
    for name in ("cache", "runs"):
        yield _place(name, Path(str(layer.values.get(name) or getattr(defaults, name))).expanduser())
    tracking = layer.values.get("tracking")
    if tracking in (None, "", "mlflow"):
        yield _place("MLflow", Path("mlflow.db"))
    else:
        yield Finding("place", "MLflow", "ok", str(tracking or "off"))
    if not Path("/dev/shm").exists():
        yield Finding(
            "place", "shared memory", "optional", "no /dev/shm", "on Linux, mount a tmpfs there: workers need it"
        )
    else:
        yield Finding(
            "place",
            "shared memory",
            "ok" if os.access("/dev/shm", os.W_OK) else "missing",
            "/dev/shm",
            "mount it writable: processes share memory through it",
        )
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding(
        "place",
        "open files",
        "ok" if files < 0 or files >= FEWEST_FILES else "missing",
        f"{files} at most",
        f"allow more: ulimit -n 4096 (at least {FEWEST_FILES})",
    )


def _place(name: str, path: Path) -> Finding:
    """An existing or possible file or folder, and the free space on its disk."""
    path = path.absolute()
    place = atomic.nearest(path)
    state = "exists" if place == path else "created on first use"
    if os.access(place, os.W_OK):
        free = shutil.disk_usage(place).free / 2**30
        return Finding("place", name, "ok", f"{path} ({state}, {free:.1f} GiB free)")
    setting = (
        "work in another folder, or set tracking" if name == "MLflow" else f"set {name}=FOLDER or make {place} writable"
    )
    return Finding("place", name, "missing", f"{path} ({state}), not writable", setting)


def _datasets(layer: config.setting_layers.Layer) -> Iterator[Finding]:
    known = config.registry.plugins("dataset")
    for id_, info in ((id_, info) for id_, info in known.items() if not info.broken):
        try:
            rooted = {f.name: f.default for f in fields(config.registry.params_class(info))}
        except MebenchError as error:
            yield Finding("plugin", id_, "optional", str(error), "fix or remove it")
            continue
        if "root" not in rooted:
            yield Finding("dataset", id_, "ok", "needs no folder")
            continue
        root = layer.of("dataset", id_).get("root") or layer.root(id_) or rooted["root"]
        if isinstance(root, str) and Path(root).expanduser().is_dir():
            yield Finding("dataset", id_, "ok", str(Path(root).expanduser()))
        else:
            reason = f"{root} does not exist" if isinstance(root, str) else "no folder is set"
            remedy = f"see how to get it with mebench info {id_}; then write roots: {{{id_}: FOLDER}} into mebench.yaml"
            yield Finding("dataset", id_, "optional", reason, remedy)
    for key in layer.values:
        part, _, id_ = key.partition(".")
        if part == "roots" and id_ not in known:
            detail = f"{layer.origin} gives it a folder, but no dataset has this name"
            yield Finding("dataset", id_, "optional", detail, "mebench list datasets")
