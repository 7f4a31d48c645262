"""The command that runs a record's settings again."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mebench.output.json_output import text_of_value
from mebench.records.recorded_settings import row_settings


def rerun_command(config: Mapping[str, Any], seeds: Sequence[int]) -> str:
    """The command line of `mebench run` with all settings that shape predictions.

    Folders of data and models are those of the reader's machine, so they are left out.

    >>> rerun_command({"method": "mean", "method.p": 0.6, "dataset": "casme2", "scheme": None, "seed": 0}, [0])
    'mebench run method=mean method.p=0.6 dataset=casme2 seed=0'
    >>> rerun_command({"method": "a", "method.blocks": [2, 2], "dataset": "b", "seed": 0}, [0, 2])
    "mebench run -m method=a 'method.blocks=[2, 2]' dataset=b seed=0,2"
    """
    settings = {key: value for key, value in row_settings(config).items() if "." in key or value is not None}
    first = [key for key in ("method", "recognizer", "dataset", "protocol") if key in settings]
    ordered = [key for name in first for key in settings if key == name or key.startswith(f"{name}.")]
    words = [f"{key}={text_of_value(settings[key])}" for key in dict.fromkeys([*ordered, *settings])]
    sweep = ["-m"] if len(seeds) > 1 else []
    return shlex.join(["mebench", "run", *sweep, *words, f"seed={','.join(map(str, seeds))}"])
