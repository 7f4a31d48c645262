"""`mebench data summary|verify|preview|describe|fake|unpack`: inspect a dataset before a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.account import account_lines
from mebench.cli.option_checks import at_home, check_file, check_folder
from mebench.cli.option_types import DatasetWords, Files, Json, Plugins, datasets_of
from mebench.cli.verbs import verb_group
from mebench.errors import ConfigError, DataError, SomeFailedError, refuse_if, refused_by_system
from mebench.files import whole_file, write_text
from mebench.grouping import group_by
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import at_terminal, format_count, print_lines, print_table, shell_command

with lazy_imports():
    from mebench.annotations import annotation, unpack
    from mebench.inspection import dataset_summary, dataset_tables, soundness, tiles
    from mebench.reports import dataset_report

if TYPE_CHECKING:
    from mebench.inspection.soundness import Verification
    from mebench.inspection.tiles import Strip

app = verb_group("data")

MOST_LINES = 12
"""Lines of one list at a terminal; elsewhere nothing is cut."""
DEFECTS = "It has the defects of the release, too: mebench data verify lists them."


@app.command("summary", epilog="Example: mebench data summary dataset=synthetic")
def data_summary_command(
    words: DatasetWords = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Count subjects, videos and expressions. The annotations alone are enough."""
    datasets = datasets_of(words, files, plugins)
    summaries = dataset_summary.summarise_members(datasets)
    is_composite = len(datasets) > 1
    if not write_json(summaries if is_composite else next(iter(summaries["members"].values())), json):
        return
    pages = dataset_report
    for id_, counts in summaries["members"].items():
        print_table(pages.HEADERS, pages.summary_rows(counts), id_)
        repairs = annotation.repair_lines(datasets[id_].repair_rows())
        print_list(f"{id_}: repairs and remarks", repairs, len(counts["repairs"]))
        print_lines(*account_lines(counts["account"]))
    if is_composite:
        print_table(pages.HEADERS, pages.total_rows(summaries), " + ".join(datasets))


@app.command("verify", epilog="Example: mebench data verify dataset=synthetic --report report.md")
def data_verify_command(
    words: DatasetWords = None,
    files: Files = None,
    plugins: Plugins = None,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame, not only its header and its end.")] = False,
    counts: Annotated[
        bool, typer.Option("--counts/--no-counts", help="Compare the counts with the published ones.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 for warnings, too.")] = False,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE.md", help="Write a report to this file.")
    ] = None,
    json: Json = None,
) -> None:
    """Check annotations, frames and counts of a copy. The exit code is 1 if the copy differs from the release."""
    if report is not None:
        check_file("--report", report)
    members: dict[str, Verification] = {}
    for id_, dataset in datasets_of(words, files, plugins).items():
        with Progress().stage(id_, len(dataset.videos()), "videos") as advance:
            members[id_] = soundness.verify_dataset(dataset, deep, counts, advance)
    sound = all(seen.is_sound(strict) for seen in members.values())
    if report is not None:
        with refused_by_system(f"{report} cannot be written"):
            write_text(Path(report), dataset_report.verification_markdown(members, strict))
    if write_json(_plain_verifications(members, sound), json):
        for id_, seen in members.items():
            _print_verification(id_, seen)
        for id_, seen in members.items():
            verdict = dataset_report.verdict_in_words(seen.errors, seen.warnings, seen.is_sound(strict))
            print_lines(f"{id_}: {verdict}")
        if report is not None:
            print_lines(f"report: {report}")
    if not sound:
        raise typer.Exit(1)


def _plain_verifications(members: Mapping[str, Verification], sound: bool) -> dict[str, Any]:
    """The verification of a dataset as plain data; of a composite, sums and each member."""
    parts = {id_: seen.plain() for id_, seen in members.items()}
    result = {"dataset": "+".join(members), "sound": sound}
    if len(parts) == 1:
        return result | next(iter(parts.values()))
    sums = {key: sum(part[key] for part in parts.values()) for key in ("errors", "warnings", "frames")}
    return result | sums | {"members": parts}


def _print_verification(id_: str, seen: Verification) -> None:
    """Print findings, repairs, number of frames and hash of a dataset."""
    titles = [soundness.TITLES[finding.topic] for finding in seen.findings]
    for title, lines in dataset_report.finding_lines(seen).items():
        print_list(f"{id_}: {title}", lines, titles.count(title))
    repairs = annotation.repair_lines(seen.repairs)
    print_list(f"{id_}: repairs and remarks", repairs, len(seen.repairs))
    if seen.frames:
        rate = f"{seen.frames / max(seen.seconds, 1e-9):,.0f} a second"
        print_lines(f"{id_}: {seen.frames:,} frames {dataset_report.depth_in_words(seen.deep)}, {rate}")
    print_lines(f"{id_}: ground truth {seen.summary['hash']}", *account_lines(seen.summary["account"]))


@app.command("preview", epilog="Example: mebench data preview dataset=synthetic -o faces.png")
def data_preview_command(
    out: Annotated[str, typer.Option("-o", "--out", callback=at_home, metavar="FILE.png", help="The image to write.")],
    words: DatasetWords = None,
    files: Files = None,
    plugins: Plugins = None,
    expressions: Annotated[
        int, typer.Option("--expressions", metavar="N", help=("Number of rows, spread over the subjects."))
    ] = 6,
    subject: Annotated[str | None, typer.Option("--subject", metavar="ID", help="This person only.")] = None,
    video: Annotated[str | None, typer.Option("--video", metavar="ID", help="This video only.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the picture.")] = False,
    json: Json = None,
) -> None:
    """Draw frames of a few expressions. These are first frame, onset, apex and offset, with crop, landmarks and
    regions.
    """
    check_file("--out", out)
    refuse_if(
        (Path(out).suffix.lower() != ".png", f"--out must name a .png file, not {out!r}"),
        (Path(out).exists() and not force, f"{out} exists: name another file, or overwrite it with --force"),
    )
    members = datasets_of(words, files, plugins)
    for id_, dataset in members.items():
        if not dataset.has_frames:
            raise DataError(f"{id_} has ready-made features and no frames, so there is nothing to preview")
    dataset_of = {video: dataset for dataset in members.values() for video in dataset.videos()}
    chosen = tiles.choose_expressions([*dataset_of], expressions, subject, video)
    strips = [tiles.strip_of(dataset_of[one.video], one) for one in chosen]
    has_picture = [any(image is not None for image in strip.tiles.values()) for strip in strips]
    if not any(has_picture):
        raise DataError(strips[0].problem)
    title = f"{' + '.join(members)}: {len(strips)} expressions"
    with whole_file(Path(out)) as writing:
        writing.write_bytes(dataset_report.contact_sheet(strips, title))
    n_faceless = sum(strip.face is None for strip in strips)
    faceless = f", {n_faceless} without a face" if n_faceless else ""
    write_json(
        {"file": out, "expressions": [_plain_strip(strip) for strip in strips]},
        json,
        f"{out}: {len(strips)} expressions{faceless}",
        "It shows people's faces: keep it only where the dataset's licence allows",
    )


def _plain_strip(strip: Strip) -> dict[str, Any]:
    """An expression of a preview as plain data."""
    video, expression = strip.chosen
    return {
        "video": video.key,
        "onset": expression.onset,
        "apex": expression.apex,
        "offset": expression.offset,
        "box": strip.face and list(strip.face.box),
        "landmarks": strip.face is not None and strip.face.landmarks is not None,
        "problem": strip.problem or None,
    }


@app.command("describe", epilog="Example: mebench data describe dataset=synthetic --out described")
def data_describe_command(
    out: Annotated[
        str, typer.Option("-o", "--out", callback=at_home, metavar="FOLDER", help="The folder to write into.")
    ],
    words: DatasetWords = None,
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Write annotations as tables described in Croissant.

    The description names columns, types and hashes, so that catalogues list the dataset and programs load it. No image is written.
    """
    check_folder("--out", out)
    members = datasets_of(words, files, plugins)
    folder = Path(out).expanduser()
    written = list[Path]()
    for id_, dataset in members.items():
        own = folder / id_ if len(members) > 1 else folder
        with refused_by_system(f"{own} cannot be written"):
            written += dataset_tables.write_described_tables(id_, dataset, own)
    write_json(
        {"files": [str(path) for path in written]},
        json,
        *map(str, written),
        "They hold the annotations: pass them on only where the dataset's licence allows it",
    )


@app.command("fake", epilog="Example: mebench data fake dataset=casme2 --out drawn")
def data_fake_command(
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", callback=at_home, metavar="FOLDER", help=("A folder that is empty or does not exist yet.")
        ),
    ],
    words: DatasetWords = None,
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Draw a small stand-in of a dataset. It has the layout, sheets and quirks of the release."""
    check_folder("--out", out)
    folder = Path(out).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{out} is not an empty folder: choose another one, so that nothing is overwritten")
    members = datasets_of(words, files, plugins)
    if settings := [word for word in words or () if word.startswith("dataset.")]:
        raise ConfigError(
            f"{settings[0]} changes no stand-in, which is drawn as the dataset was released: leave it out"
        )
    is_composite = len(members) > 1
    folders = dict.fromkeys(members, folder)
    if is_composite:
        folders = {id_: folder / id_ for id_ in members}
    for id_, dataset in members.items():
        dataset.write_fake_tree(folders[id_])
        write_text(
            folders[id_] / "README.md",
            f"Drawn faces in the layout of {id_}, written by `mebench data fake`. Nothing here comes from the "
            f"real dataset.\n{DEFECTS}\n",
        )
    next_command = shell_command("data summary", _words_of_fake(folders), plugins=plugins or ())
    made = {"folders": {id_: str(path) for id_, path in folders.items()}, "next": next_command}
    write_json(made, json, f"{out}: drawn. {DEFECTS}", f"Check it with: {next_command}")


def _words_of_fake(folders: Mapping[str, Path]) -> list[str]:
    """The words of a command that name drawn datasets and their folders."""
    if len(folders) == 1:
        ((id_, folder),) = folders.items()
        return [f"dataset={id_}", f"dataset.root={folder}"]
    return [f"dataset=[{','.join(folders)}]", *(f"dataset.{id_}.root={folder}" for id_, folder in folders.items())]


@app.command("unpack", epilog="Example: mebench data unpack CASME2 -o CASME2/frames")
def data_unpack_command(
    source: Annotated[str, typer.Argument(metavar="PATH", help="A folder, or one archive or video file.")],
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", callback=at_home, metavar="FOLDER", help="The folder to write; it may lie in PATH."
        ),
    ],
    first: Annotated[int, typer.Option("--first", metavar="N", help="File number of a video's first frame.")] = 1,
    json: Json = None,
) -> None:
    """Unpack archives, decode videos to images without loss.

    Existing files stay unchanged. A file that cannot be unpacked is named, the others are unpacked, and the exit code is 5.
    """
    progress = Progress()
    unpacked = list[unpack.Unpacked]()
    failed = dict[Path, str]()
    for done in unpack.unpack_recordings(
        Path(source).expanduser(), Path(out).expanduser(), first, lambda path: progress.notify(f"{path} …"), failed
    ):
        unpacked.append(done)
        if json != "-":
            print_lines(f"{done.source}: {_unpacked_in_words(done)}")
    report = {
        "unpacked": [asdict(done) | {"source": str(done.source), "folder": str(done.folder)} for done in unpacked],
        "failed": {str(path): reason for path, reason in failed.items()},
    }
    write_json(report, json)
    if not failed:
        return
    n_failed = format_count(len(failed), "file")
    n_files = len(failed) + len(unpacked)
    if unpacked:
        _print_failures(failed, progress)
        raise SomeFailedError(f"{n_failed} of {n_files} could not be unpacked, for the reasons above; the others were")
    first_failed, *others = failed
    _print_failures({path: failed[path] for path in others}, progress)
    raise DataError(failed[first_failed])


def _unpacked_in_words(done: unpack.Unpacked) -> str:
    """The number of files, or of frames with their rate and names, and the folder."""
    where = f"in {done.folder}{', which existed already' if done.before else ''}"
    if not done.names:
        return f"{format_count(done.n, 'file')} {where}"
    rate = "no frame rate stated" if done.fps is None else f"{done.fps:g} frames a second"
    uneven = f" on average, {done.uneven}" if done.uneven else ""
    ends = f"frame 0 is {done.names[0]}, the last one {done.names[-1]}"
    return f"{format_count(done.n, 'frame')}, {rate}{uneven}, {where}; {ends}"


def _print_failures(failed: Mapping[Path, str], progress: Progress) -> None:
    """Print each reason once. A full disk fails many files alike, so that their number is told."""
    for reason, paths in group_by(failed, key=lambda path: failed[path]).items():
        also = f" ({format_count(len(paths), 'file')}, such as {paths[0]})" if reason == unpack.SPENT else ""
        progress.notify(f"failed: {reason}{also}")


def print_list(title: str, lines: Sequence[str], n: int) -> None:
    """Print a title with a number, and its lines. At a terminal, only the first of many are shown."""
    if not lines:
        return
    shown = lines[:MOST_LINES] if at_terminal() else lines
    print_lines(f"{title} ({n})", *(f"  {line}" for line in shown))
    if len(shown) < len(lines):
        print_lines(f"  … and {len(lines) - len(shown)} more lines: --json FILE lists all")
    elif len(lines) < n:
        print_lines("  --json FILE lists all")
