"""The address to which finished runs are sent: a setting, a variable of the environment, or MLflow's default."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

OFF = (False, "off", "false", "no", "none")
"""Words that turn tracking off."""
ARTIFACTS = "mlartifacts"
"""The folder of artifacts beside a sqlite database."""


def mlflow_address(setting: str | bool | None) -> str:
    """MLflow's tracking URI; None and `mlflow` take `$MLFLOW_TRACKING_URI`, else `mlflow.db` in the working folder."""
    named = re.sub("^mlflow(:|$)", "", setting if isinstance(setting, str) else "")
    return named or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"


def locate_database(url: str) -> tuple[str, Path | None]:
    """The absolute address of a sqlite database, and its file; another address unchanged, and None.

    >>> locate_database("sqlite:////data/runs.db?timeout=5"), locate_database("http://example.org")[1]
    (('sqlite:////data/runs.db?timeout=5', PosixPath('/data/runs.db')), None)
    """
    scheme, slashes, rest = url.partition(":///")
    name, question, options = rest.partition("?")
    if scheme.split("+")[0] != "sqlite" or not slashes or not name or name == ":memory:":
        return url, None
    # SQLAlchemy takes `..` out of a path as if no link stood before it.
    file = (Path(name).expanduser() if name.startswith("~/") else Path(name)).resolve()
    return f"{scheme}:///{file}{question}{options}", file


def local_tracking_places(setting: str | bool | None) -> Iterator[Path]:
    """The files and folders of this machine in which MLflow keeps runs; none for a server elsewhere.

    They are the database and the artifacts beside it, or a folder.

    >>> [str(place) for place in local_tracking_places("sqlite:////data/runs.db")]
    ['/data/runs.db', '/data/mlartifacts']
    >>> [str(place) for place in local_tracking_places("file:///data/mlruns")], [*local_tracking_places("off")]
    (['/data/mlruns'], [])
    """
    if setting in OFF:
        return
    address, database = locate_database(mlflow_address(setting))
    parts = urlsplit(address)
    if database is not None:
        yield database
        yield database.parent / ARTIFACTS
    elif parts.scheme == "file":
        yield Path(unquote(parts.path))
