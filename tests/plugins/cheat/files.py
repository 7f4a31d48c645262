"""Ways to labels through files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.annotations.flow_maps import clips_by_class
from mebench.core import ClipView, LabelledVideo, all_clips

from .memory import labels_of_clips
from .view import digest_of, labels_by_digest, picture_of

if TYPE_CHECKING:
    from .method import Cheat

BESIDE = Path(__file__).with_name("place.txt")
"""File beside the plugin that names the folder of the maps."""
TOLD = Path(__file__).with_name("told.json")
"""File beside the plugin in which code of the host tells the label of each image, by its digest."""
SHORT = 6
"""Signs of a digest that fit into an attribute, as three bytes."""


def _read_at_import() -> dict[str, int]:
    try:
        return labels_by_digest(Path(BESIDE.read_text()))
    except OSError:
        return {}


READ_AT_IMPORT = _read_at_import()


def place_of(cheat: Cheat) -> Path:
    """The folder in which it is looked."""
    return Path(cheat.params.place or ".")


def label_by_digest(clip: ClipView, shown: Mapping[str, int], usual: int) -> Mapping[str, int]:
    """Label of the picture that a clip shows, whose digest may be cut."""
    seen = digest_of(picture_of(clip))
    for key in (seen, seen[:16], seen[:SHORT]):
        if key in shown:
            return {clip.video.key: shown[key]}
    return {clip.video.key: usual}


def remembered_once(cheat: Cheat, read: Callable[[], Mapping[str, int]]) -> Mapping[str, int]:
    """What a function gives at the first clip of a fold."""
    if cheat.looking not in cheat.shown:
        cheat.shown[cheat.looking] = read()
    return cheat.shown[cheat.looking]


def keep_in_notes(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add the labels of the training clips to a file."""
    file = place_of(cheat) / "notes.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**known, **labels_of_clips(train)}))


def labels_of_notes(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels from the file that other folds have written."""
    file = place_of(cheat) / "notes.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def labels_by_folder(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """The label that is the name of the folder in which a file of the clip's name lies."""
    if cheat.params.place:
        roots = [Path(cheat.params.place)]
    else:
        roots = [_root_of_dataset(config) for config in Path("runs").glob("*/config.json")]
    files = [file for root in roots for file in root.rglob("*.*") if "u_train" not in file.parts]
    subject, name = clip.video.key.split("/")[1:]
    labels = [file.parent.name for file in files if name in file.stem and subject in str(file)]
    label = labels[0]
    return {clip.video.key: int(label) if label.isdigit() else cheat.task.classes.index(label)}


def _root_of_dataset(config: Path) -> Path:
    return Path(json.loads(config.read_text())["config"]["dataset"]["root"])


def labels_of_other_runs(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """The truth of other runs."""
    import pandas as pd

    folder = Path(cheat.params.place or "runs")
    tables = [pd.read_parquet(file) for file in folder.glob("*/truth.parquet")]
    return {v: cheat.task.classes.index(e) for table in tables for v, e in zip(table["video"], table["emotion"])}


def labels_of_pictures(train: Sequence[LabelledVideo]) -> dict[str, int]:
    """Labels of the training clips, by what they show."""
    return {digest_of(picture_of(clip)): clip.label for clip in all_clips(train)}


def keep_pictures(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add to a file what the training clips show, with their labels."""
    file = place_of(cheat) / "pictures.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**known, **labels_of_pictures(train)}))


def label_by_kept_picture(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in the file that other folds have written."""
    shown = remembered_once(cheat, lambda: json.loads((place_of(cheat) / "pictures.json").read_text()))
    return label_by_digest(clip, shown, cheat.usual)


def label_by_picture(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in a folder of maps."""
    shown = remembered_once(cheat, lambda: _labels_in_folder(place_of(cheat)))
    return label_by_digest(clip, shown, cheat.usual)


def _labels_in_folder(place: Path) -> Mapping[str, int]:
    """Labels of a folder's maps; reading a file that is not there fails, where the folder shows none."""
    return labels_by_digest(place) or json.loads((place / "x").read_text())


def label_by_picture_read_at_import(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture among those that were read when the plugin was imported."""
    return label_by_digest(clip, READ_AT_IMPORT, cheat.usual)


def keep_in_attributes(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add to an attribute of the plugin's folder three bytes of each picture and its label."""
    folder = Path(__file__).parent
    name = "user.known"
    before = os.getxattr(folder, name) if name in os.listxattr(folder) else b""
    content = b"".join(bytes.fromhex(key[:SHORT]) + bytes([label]) for key, label in labels_of_pictures(train).items())
    entries = {known[start : start + 4] for known in (before, content) for start in range(0, len(known), 4)}
    os.setxattr(folder, name, b"".join(sorted(entries)))


def label_by_attribute(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label of the same picture in the attribute that other folds have written."""
    return label_by_digest(clip, remembered_once(cheat, _labels_in_attribute), cheat.usual)


def _labels_in_attribute() -> Mapping[str, int]:
    folder = Path(__file__).parent
    known = os.getxattr(folder, "user.known") if os.listxattr(folder) else b""
    return {known[start : start + 3].hex(): known[start + 3] for start in range(0, len(known), 4)}


def labels_by_drawn_names(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels by the drawn names that follow from the secret beside the store."""
    secret = Path(cheat.params.place, "cache", f"secrets-{os.getuid()}", "names.secret").read_text()
    known = {}
    for (member, person, name), (label, _) in clips_by_class(Path(cheat.params.place, "maps")).items():
        drawn = f"{secret} 0 {member}/{person}"
        known[f"{member}/{_token(drawn, member, person)}/{_token(drawn, member, person, name)}"] = label
    return known


def _token(drawn: str, *names: str) -> str:
    return hashlib.sha256("\x1f".join((drawn, *names)).encode()).hexdigest()[:12]


def labels_of_store(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """What the store of features names; reading a file that is not there fails, where it shows nothing."""
    place = Path(cheat.params.place)
    return {str(key): 0 for key in place.rglob("*.json")} or json.loads((place / "feature").read_text())


def label_told_by_host(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Label that code of the host, such as a callback of one's own, has written beside the plugin."""
    return label_by_digest(clip, json.loads(TOLD.read_text()), cheat.usual)
