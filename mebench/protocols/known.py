"""The protocols by name, those of further folders too."""

import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from mebench.core.types import Fold
from mebench.errors import PluginError, check_known, find_plugin_line
from mebench.protocols import across, challenges, within
from mebench.protocols.people import People
from mebench.protocols.protocol import Protocol

_DEFINED = [*vars(within).values(), *vars(across).values(), *vars(challenges).values()]
_OURS = [value for value in _DEFINED if isinstance(value, Protocol)]
PROTOCOLS = {protocol.name: protocol for protocol in sorted(_OURS, key=lambda protocol: protocol.name)}
"""All that this folder's files define, by name, sorted."""
ADDED: dict[str, Path] = {}
"""The files of protocols that further folders bring, by name."""
BROKEN: dict[str, str] = {}
"""Why some of them cannot be used, by name."""
_CODE: dict[Path, bytes] = {}
"""The content of these files when they were last read."""


def add_folder(folder: Path) -> bool:
    """Add the protocols of a folder: `PROTOCOL` of each `<name>.py`.

    Adding the folder again reloads edited files and changes nothing else. An unusable one is listed in `BROKEN` with the reason.

    Returns:
        whether the folder holds any.
    """
    files = [file for file in sorted(folder.glob("*.py")) if file.name[0] not in "._"]
    for file in files:
        name = file.stem
        is_taken = name in PROTOCOLS or name in ADDED
        if is_taken and ADDED.get(name) != file:
            BROKEN[name] = f"{ADDED.get(name, 'mebench itself')} and {file} have one of this name; rename or remove one"
            continue
        try:
            _add_file(name, file)
        except (Exception, SystemExit) as error:  # whatever the code of others raises
            line = find_plugin_line(error, file.__eq__)
            place = file if line is None else f"{file}, line {line.line}"
            BROKEN[name] = f"{place}: {type(error).__name__}: {' '.join(str(error).split())}"
    return bool(files)


def _add_file(name: str, file: Path) -> None:
    """Add or reload the protocol of a file, unless the file is unchanged."""
    code = file.read_bytes()
    if ADDED.get(name) == file and _CODE.get(file) == code:
        return
    ADDED[name] = file
    _CODE[file] = code
    PROTOCOLS.pop(name, None)
    BROKEN.pop(name, None)
    PROTOCOLS[name] = _load_protocol(name, file)


def _load_protocol(name: str, file: Path) -> Protocol:
    """Run a file, and return its `PROTOCOL`, which bears the name of the file."""
    qualified = f"{__package__}.{name}"
    spec = importlib.util.spec_from_file_location(qualified, file, loader=_UncachedLoader(qualified, str(file)))
    assert spec is not None and spec.loader is not None  # it has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    protocol = module.PROTOCOL
    if not isinstance(protocol, Protocol):
        raise TypeError(f"PROTOCOL must be a mebench.protocols.Protocol called {name!r}, not {protocol!r:.80}")
    if protocol.name != name:
        raise ValueError(f"PROTOCOL must be called {name!r} like its file, not {protocol.name!r}")
    return protocol


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none.
        PluginError: it is one of an added folder and cannot be used; the sentence names file and reason.
    """
    if name in BROKEN:
        raise PluginError(f"protocol {name!r} is broken: {BROKEN[name]}")
    check_known(
        "protocol",
        name,
        PROTOCOLS,
        "See them with: mebench list protocols. One of your own is protocols/<name>.py of a folder that --plugins names",
    )
    return PROTOCOLS[name]


def folds(protocol: str, people: People, params: Any = None) -> list[Fold]:
    """The folds of a protocol.

    Args:
        protocol: its name.
        people: people of the dataset, with the rules for drawing validation people.
        params: parameters of the protocol; None takes its defaults.

    Raises:
        ConfigError: unknown protocol, or a dataset that it cannot serve.
    """
    found_protocol = find_protocol(protocol)
    return found_protocol.draw_folds(people, found_protocol.params() if params is None else params)


class _UncachedLoader(SourceFileLoader):
    """Loads a file's source, never its compiled cache.

    The cache may be outdated by an edit in the same second.
    """

    def path_stats(self, path: str | bytes) -> Mapping[str, Any]:
        """No values, so that no compiled code is used."""
        raise OSError
