"""Answers that a team sends without a run or code: rows of a separate kind, scored by the sender and again by the
receiver.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mebench.atomic import new_folder, replace_file
from mebench.errors import ConfigError, DataError, refuse_if
from mebench.exchange.answers import read_against_truth
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.files import file_hash
from mebench.reproduction.rescore import find_files, list_sources, read_source, rescore_source, write_outcome


def write_submission(
    answers: Path, truth: Path, name: str, about: Mapping[str, str], settings: Mapping[str, Any], out: Path
) -> tuple[Path, dict[str, Any]]:
    """Score answers and write them for a board: a folder with the answers, the truth, their description, and the
    scores.

    Args:
        answers: a file of intervals or of clips.
        truth: a file of the same kind; its hash identifies the row's truth.
        name: name of the folder.
        about: `title`, `method`, `convention`, and `selection`: what was selected and on which people.
        settings: settings of the set: `dataset`, `protocol`, `scheme`, `clips`.
        out: the parent of the folder.

    Returns:
        The folder and the outcome.

    Raises:
        ConfigError: the name is not possible for a folder, or the folder exists.
        DataError: the files cannot be scored.
    """
    refuse_if(
        (not about["method"].strip(), "--method must name the row"),
        (not re.fullmatch(r"[a-z0-9_]{1,60}", name), f"--name must be of small letters, digits and _, not {name!r}"),
        ((out / name).exists(), f"{out / name} exists already: choose another --name, or remove it"),
    )
    # Read before they are copied, so that a fault names the given file.
    read_against_truth(truth, [answers], Rules(), Remarks(), clips=settings["clips"])
    roles = {"truth": truth, "predictions": answers}
    files = {role: [{"files": {f"{role}{file.suffix}": file_hash(file)}}] for role, file in roles.items()}
    with new_folder(out) as folder:
        for role, file in roles.items():
            shutil.copyfile(file, folder / f"{role}{file.suffix}")
        replace_file(
            folder / f"{name}.yaml",
            yaml.safe_dump({**about, "sets": [{**settings, **files}]}, sort_keys=False, allow_unicode=True),
        )
        outcome = rescore_source(read_source(folder, name), folder)
        write_outcome(outcome, folder)
        folder.rename(out / name)
    return out / name, outcome


def find_submissions(place: Path) -> list[Path]:
    """The folder of sent answers at `place`, or the folders in it, by name."""
    return [folder for folder in (place, *sorted(place.glob("[!.]*"))) if (folder / f"{folder.name}.yaml").is_file()]


def accept_submission(folder: Path, rescored: Path, check_only: bool = False) -> str:
    """Score a submission again, and add its description and scores to the board's sources.

    The answers and the truth are not copied.

    Raises:
        ConfigError: the board has another source of that name.
        DataError: they are damaged, lack a statement on selection, or their scores differ from the stored ones.
    """
    name = folder.name
    source = read_source(folder, name)
    if not source.selection:
        raise DataError(
            f"{folder / name}.yaml lacks selection, which sent answers need; answers with a run or code are "
            "added in another way"
        )
    find_files(source, folder)
    try:
        stored: Any = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / name}.json is missing or damaged ({error}): send {name} again, whole") from error
    if rescore_source(source, folder)["sets"] != stored.get("sets"):
        raise DataError(
            f"{name}.json differs from the scores of {name}'s answers here: send it again with this version of mebench"
        )
    if name in list_sources(rescored):
        if read_source(rescored, name).key != source.key:
            raise ConfigError(f"{rescored} has another source {name}: send it under another name")
        return "there"
    if not check_only:
        rescored.mkdir(parents=True, exist_ok=True)
        for ending in ("json", "yaml"):
            shutil.copyfile(folder / f"{name}.{ending}", rescored / f"{name}.{ending}")
    return "checked" if check_only else "taken"
