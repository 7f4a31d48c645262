"""`mebench data summary|verify|preview|fake|unpack`: inspect a dataset before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mebench import annotations, frames, inspection, json_output, reports, terminal
from mebench.cli.option_checks import check_file
from mebench.cli.option_types import DatasetWords, Files, Json, Plugins, datasets_of, verbs
from mebench.errors import ConfigError, DataError, SomeFailedError, refuse_if
from mebench.files import write_text
from mebench.grouping import grouped
from mebench.progress import Progress

app = verbs("Check a dataset before a run.")

DEFECTS = "Where the release has defects, it has them, too: mebench data verify lists them."


@app.command("summary", epilog="Example: mebench data summary dataset=synthetic")
def data_summary_command(
    words: DatasetWords = None, files: Files = None, plugins: Plugins = None, json: Json = None
) -> None:
    """Count subjects, videos and expressions. The annotations alone are enough."""
    datasets = datasets_of(words, files, plugins)
    summaries = inspection.summarise_members(datasets)
    if not json_output.write_json(summaries if len(datasets) > 1 else next(iter(summaries["members"].values())), json):
        return
    for id_, counts in summaries["members"].items():
        terminal.print_table(reports.dataset_report.HEADERS, reports.dataset_report.summary_rows(counts), id_)
        _print_list(
            f"{id_}: repairs and remarks",
            annotations.annotation.repair_lines(datasets[id_].repair_rows()),
            len(counts["repairs"]),
        )
    if len(datasets) > 1:
        terminal.print_table(
            reports.dataset_report.HEADERS, reports.dataset_report.total_rows(summaries), " + ".join(datasets)
        )


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
    members: dict[str, inspection.Verification] = {}
    for id_, dataset in datasets_of(words, files, plugins).items():
        with Progress().stage(id_, len(dataset.videos()), "videos") as advance:
            members[id_] = inspection.verify_dataset(dataset, deep, counts, advance)
    sound = all(seen.sound(strict) for seen in members.values())
    if report is not None:
        write_text(Path(report), reports.dataset_report.verification_markdown(members, strict))
    parts = {id_: seen.plain() for id_, seen in members.items()}
    result: dict[str, Any] = {"dataset": "+".join(members), "sound": sound}
    if len(parts) > 1:  # a composite: the sums, and each member
        result |= {key: sum(part[key] for part in parts.values()) for key in ("errors", "warnings", "frames")}
    if json_output.write_json(result | ({"members": parts} if len(parts) > 1 else next(iter(parts.values()))), json):
        pages = reports.dataset_report
        for id_, seen in members.items():
            titles = [inspection.soundness.TITLES[finding.topic] for finding in seen.findings]
            for title, lines in pages.finding_lines(seen).items():
                _print_list(f"{id_}: {title}", lines, titles.count(title))
            _print_list(
                f"{id_}: repairs and remarks", annotations.annotation.repair_lines(seen.repairs), len(seen.repairs)
            )
            if seen.frames:
                rate = f"{seen.frames / max(seen.seconds, 1e-9):,.0f} a second"
                terminal.print_lines(f"{id_}: {seen.frames:,} frames {pages.looked(seen.deep)}, {rate}")
            terminal.print_lines(f"{id_}: ground truth {seen.summary['hash']}")
        terminal.print_lines(
            *(f"{id_}: {pages.verdict(m.errors, m.warnings, m.sound(strict))}" for id_, m in members.items()),
            *([] if report is None else [f"report: {report}"]),
        )
    if not sound:
        raise typer.Exit(1)


@app.command("preview", epilog="Example: mebench data preview dataset=synthetic -o faces.png")
def data_preview_command(
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE.png", help="The image to write.")],
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

    refuse_if(
        *(
            (
                not dataset.has_frames,
                f"{id_} has ready-made features and no frames, so there is nothing to preview",
            )
            for id_, dataset in members.items()
        ),
        error=DataError,
    )
    home = {video: dataset for dataset in members.values() for video in dataset.videos()}
    strips = [
        inspection.tiles.strip_of(home[one.video], one)
        for one in inspection.tiles.choose([*home], expressions, subject, video)
    ]
    if all(image is None for strip in strips for image in strip.tiles.values()):
        raise DataError(next(strip.problem for strip in strips))
    title = f"{' + '.join(members)}: {len(strips)} expressions"
    Path(out).write_bytes(reports.dataset_report.contact_sheet(strips, title))
    shown = [
        {
            "video": strip.chosen.video.key,
            **{name: getattr(strip.chosen.expression, name) for name in ("onset", "apex", "offset")},
            "box": strip.face and list(strip.face.box),
            "landmarks": strip.face is not None and strip.face.landmarks is not None,
            "problem": strip.problem or None,
        }
        for strip in strips
    ]
    faceless = sum(strip.face is None for strip in strips)
    json_output.write_json(
        {"file": out, "expressions": shown},
        json,
        f"{out}: {len(strips)} expressions{f', {faceless} without a face' if faceless else ''}",
        "It shows people's faces: keep it only where the dataset's licence allows",
    )


@app.command("fake", epilog="Example: mebench data fake dataset=casme2 --out drawn")
def data_fake_command(
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="FOLDER", help=("A folder that is empty or does not exist yet."))
    ],
    words: DatasetWords = None,
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Draw a small stand-in of a dataset. It has the layout, sheets and quirks of the release."""
    folder = Path(out).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{out} is not an empty folder: choose another one, so that nothing is overwritten")
    members = datasets_of(words, files, plugins)
    if settings := [word for word in words or () if word.startswith("dataset.")]:
        raise ConfigError(
            f"{settings[0]} changes no stand-in, which is drawn as the dataset was released: leave it out"
        )
    several = len(members) > 1
    places = {id_: folder / id_ if several else folder for id_ in members}
    for id_, dataset in members.items():
        dataset.write_fake_tree(places[id_])
        write_text(
            places[id_] / "README.md",
            f"Drawn faces in the layout of {id_}, written by `mebench data fake`. Nothing here comes from the "
            f"real dataset.\n{DEFECTS}\n",
        )
    roots = [f"dataset{f'.{id_}' if several else ''}.root={place}" for id_, place in places.items()]
    name = ",".join(members)
    words = [f"dataset=[{name}]" if several else f"dataset={name}", *roots]
    next_command = terminal.shell_command("data summary", words, plugins=plugins or ())
    made = {"folders": {id_: str(place) for id_, place in places.items()}, "next": next_command}
    json_output.write_json(made, json, f"{out}: drawn. {DEFECTS}", f"Check it with: {next_command}")


@app.command("unpack", epilog="Example: mebench data unpack CASME2 -o CASME2/frames")
def data_unpack_command(
    source: Annotated[str, typer.Argument(metavar="PATH", help="A folder, or one archive or video file.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FOLDER", help="The folder to write; it may lie in PATH.")],
    first: Annotated[int, typer.Option("--first", metavar="N", help="File number of a video's first frame.")] = 1,
    json: Json = None,
) -> None:
    """Unpack archives, decode videos to images without loss.

    Existing files stay unchanged. A file that cannot be unpacked is named, the others are unpacked, and the exit code is 5.
    """
    progress, unpacked, failed = Progress(), [], dict[Path, str]()
    for done in frames.unpack.unpack_recordings(
        Path(source).expanduser(), Path(out).expanduser(), first, lambda path: progress.notify(f"{path} …"), failed
    ):
        unpacked.append(asdict(done) | {"source": str(done.source), "folder": str(done.folder)})
        if json != "-":
            existed = ", which existed already" if done.before else ""
            line = f"{terminal.format_count(done.n, 'file')} in {done.folder}{existed}"
            if done.names:
                rate = "no frame rate stated" if done.fps is None else f"{done.fps:g} frames a second"
                uneven = f" on average, {done.uneven}" if done.uneven else ""
                ends = f"frame 0 is {done.names[0]}, the last one {done.names[-1]}"
                line = f"{terminal.format_count(done.n, 'frame')}, {rate}{uneven}, in {done.folder}{existed}; {ends}"
            terminal.print_lines(f"{done.source}: {line}")
    json_output.write_json(
        {"unpacked": unpacked, "failed": {str(path): reason for path, reason in failed.items()}}, json
    )
    by_reason = grouped([*failed][not unpacked :], key=lambda path: failed[path])
    for reason, paths in by_reason.items():
        also = (
            f" ({terminal.format_count(len(paths), 'file')}, such as {paths[0]})"
            if reason == frames.unpack.SPENT
            else ""
        )
        progress.notify(f"failed: {reason}{also}")
    if failed and not unpacked:
        raise DataError(next(iter(failed.values())))
    if failed:
        raise SomeFailedError(
            f"{terminal.format_count(len(failed), 'file')} of {len(failed) + len(unpacked)} could not be unpacked, for the "
            "reasons above; the others were"
        )


def _print_list(title: str, lines: Sequence[str], n: int) -> None:
    """Print a title with a number, and its lines, at a terminal only the first of many; nothing without lines."""
    if not lines:
        return
    # Lines of one list at a terminal; elsewhere nothing is cut.
    shown = lines[:12] if terminal.at_terminal() else lines
    terminal.print_lines(f"{title} ({n})", *(f"  {line}" for line in shown))
    if len(shown) < len(lines):
        terminal.print_lines(f"  … and {len(lines) - len(shown)} more lines: --json FILE lists all")
    elif len(lines) < n:
        terminal.print_lines("  --json FILE lists all")
