"""`mebench data summary|verify|preview|fake`: look at a dataset before anything is run on it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench import console
from mebench.config.resolve import resolve_dataset
from mebench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mebench.core.dataset import Dataset
    from mebench.inspection.verify import Verification

SHOWN = 12
"""Lines of one list at a terminal; elsewhere nothing is cut."""
NOTE = "README.md"


def summary_command(words: Sequence[str], files: Sequence[str], plugins: Sequence[str], json: str | None) -> None:
    """Print what a dataset holds; of a composite each member, then their sums.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    from mebench.inspection.summary import summarise, together
    from mebench.results.render.data import HEADERS, summary_rows, total_rows

    console.check_target(json)
    members = {id_: summarise(dataset) for id_, dataset in _members(words, files, plugins).items()}
    if json is not None:
        one = next(iter(members.values()))
        console.write_json(together(members) if len(members) > 1 else one.plain(), json)
    if json == "-":
        return
    for id_, summary in members.items():
        console.print_table(HEADERS, summary_rows(summary), id_)
        _print_list(f"{id_}: repairs and remarks", [str(repair) for repair in summary.repairs])
    if len(members) > 1:
        console.print_table(HEADERS, total_rows(members), " + ".join(members))


def verify_command(
    words: Sequence[str],
    files: Sequence[str],
    plugins: Sequence[str],
    deep: bool,
    counts: bool,
    strict: bool,
    report: str | None,
    json: str | None,
) -> int:
    """Print what is wrong with this copy of a dataset; the exit code: 1 for errors and, with `strict`, for warnings.

    Raises:
        DataError: the annotations are missing or cannot be read.
        ConfigError: a report cannot be written where it should go.
    """
    from mebench.inspection.verify import verify
    from mebench.progress import Progress

    console.check_target(json)
    if report is not None:
        _check_file(report, "--report")
    members: dict[str, Verification] = {}
    progress = Progress()
    for id_, dataset in _members(words, files, plugins).items():
        with progress.stage(id_, len(dataset.videos()), "videos") as advance:
            members[id_] = verify(dataset, deep, counts, advance)
    sound = all(seen.sound(strict) for seen in members.values())
    if report is not None:
        from mebench.results.render.data import verification_markdown

        Path(report).write_text(verification_markdown(members, strict), encoding="utf-8")
    if json is not None:
        console.write_json(_verified(members, sound), json)
    if json != "-":
        _print_verifications(members, strict)
        if report is not None:
            print(f"report: {report}")
    return int(not sound)


def preview_command(
    words: Sequence[str],
    files: Sequence[str],
    plugins: Sequence[str],
    out: str,
    expressions: int,
    subject: str | None,
    video: str | None,
    force: bool,
    json: str | None,
) -> None:
    """Draw a few expressions into the file that the user chose; faces go nowhere else.

    Raises:
        ConfigError: the file is there already, is no PNG or cannot be written, or nobody is of that name.
        DataError: there are no frames.
    """
    _check_file(out, "--out")
    if Path(out).suffix.lower() != ".png":
        raise ConfigError(f"--out must name a .png file, not {out!r}")
    if Path(out).exists() and not force:
        raise ConfigError(f"{out} exists: name another file, or overwrite it with --force")
    console.check_target(json)
    members = _members(words, files, plugins)

    from mebench.inspection.summary import has_frames
    from mebench.inspection.tiles import choose, strip_of
    from mebench.results.render.data import contact_sheet

    home: dict[str, Dataset] = {}
    for id_, dataset in members.items():
        if not has_frames(dataset):
            raise DataError(f"{id_} has ready-made features and no frames, so there is nothing to look at")
        home |= {v.key: dataset for v in dataset.videos()}
    every = [v for dataset in members.values() for v in dataset.videos()]
    strips = [strip_of(home[one.video.key], one) for one in choose(every, expressions, subject, video)]
    if all(tile.image is None for strip in strips for tile in strip.tiles):
        raise DataError(next(strip.problem for strip in strips))
    picture = contact_sheet(strips, f"{' + '.join(members)}: {len(strips)} expressions")
    Path(out).write_bytes(picture)
    if json is not None:
        shown = [
            {
                "video": strip.chosen.video.key,
                "onset": strip.chosen.expression.onset,
                "apex": strip.chosen.expression.apex,
                "offset": strip.chosen.expression.offset,
                "box": strip.face and list(strip.face.box),
                "landmarks": strip.face is not None and strip.face.landmarks is not None,
                "problem": strip.problem or None,
            }
            for strip in strips
        ]
        console.write_json({"file": out, "expressions": shown}, json)
    if json != "-":
        faceless = sum(strip.face is None for strip in strips)
        print(f"{out}: {len(strips)} expressions{f', {faceless} without a face' if faceless else ''}")
        print("It shows people's faces: keep it where the dataset's licence allows")


def fake_command(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], out: str, json: str | None
) -> None:
    """Draw the tree of a dataset into an empty folder, or those of a composite's members into folders of their names.

    Raises:
        DataError: the folder is not empty, or a dataset has no tree to draw.
    """
    console.check_target(json)
    folder = Path(out).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{out} is not an empty folder: choose another, so that nothing is overwritten")
    members = _members(words, files, plugins)
    places = {id_: folder / id_ if len(members) > 1 else folder for id_ in members}
    for id_, dataset in members.items():
        dataset.write_fake_tree(places[id_])
        (places[id_] / NOTE).write_text(
            f"Drawn faces in the layout of {id_}, written by `mebench data fake`. Nothing in here is of the real dataset.\n",
            encoding="utf-8",
        )
    prefix = {id_: f"dataset.{id_}" if len(members) > 1 else "dataset" for id_ in members}
    roots = [f"{prefix[id_]}.root={place}" for id_, place in places.items()]
    name = f"[{','.join(members)}]" if len(members) > 1 else next(iter(members))
    then = shlex.join(["mebench", "data", "summary", f"dataset={name}", *roots])
    if json is not None:
        console.write_json({"folders": {id_: str(place) for id_, place in places.items()}, "next": then}, json)
    if json != "-":
        print(f"{out}: drawn")
        print(f"Look at it with: {then}")


def _members(words: Sequence[str], files: Sequence[str], plugins: Sequence[str]) -> dict[str, Dataset]:
    from mebench.inspection.summary import open_members

    return open_members(resolve_dataset(words, files, plugins).dataset_params)


def _verified(members: dict[str, Verification], sound: bool) -> dict[str, Any]:
    """Plain data: that of the dataset; of a composite the sums, and that of each member under `members`."""
    parts = {id_: seen.plain() for id_, seen in members.items()}
    head: dict[str, Any] = {"dataset": "+".join(members), "sound": sound}
    if len(parts) == 1:
        return head | next(iter(parts.values()))
    sums = {key: sum(part[key] for part in parts.values()) for key in ("errors", "warnings", "frames")}
    return head | sums | {"members": parts}


def _print_verifications(members: dict[str, Verification], strict: bool) -> None:
    from mebench.results.render.data import finding_lines, looked, verdict

    for id_, seen in members.items():
        for title, lines in finding_lines(seen).items():
            _print_list(f"{id_}: {title}", lines)
        _print_list(f"{id_}: repairs and remarks", [str(repair) for repair in seen.summary.repairs])
        if seen.frames:
            rate = seen.frames / max(seen.seconds, 1e-9)
            print(f"{id_}: {seen.frames:,} frames {looked(seen.deep)}, {rate:,.0f} a second")
        print(f"{id_}: ground truth {seen.summary.hash}")
    for id_, seen in members.items():
        print(f"{id_}: {verdict(seen.errors, seen.warnings, seen.sound(strict))}")


def _print_list(title: str, lines: Sequence[str]) -> None:
    """A title and its lines; at a terminal only the first of many. Nothing without lines."""
    if not lines:
        return
    print(f"{title} ({len(lines)})")
    shown = lines[:SHOWN] if console.at_terminal() else lines
    for line in shown:
        print(f"  {line}")
    if len(shown) < len(lines):
        print(f"  … and {len(lines) - len(shown)} more: --json FILE lists all")


def _check_file(target: str, option: str) -> None:
    """Make sure that a file can be written there before the work begins."""
    file = Path(target)
    if not target or file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"{option} must name a file in a folder that is there and can be written to, not {target!r}")
