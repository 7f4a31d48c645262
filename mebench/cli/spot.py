"""`mebench spot`: what models spot in one's own videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mebench.cli.options import Json, Runs
from mebench.console import plural, print_lines, print_table, write_json
from mebench.errors import ConfigError, RunError, unknown

if TYPE_CHECKING:
    from mebench.core import Kind
    from mebench.results.spotted import SpottedVideo

app = typer.Typer()


@app.command("spot", epilog="Example: mebench spot my.mp4 --run mean-synthetic -o spotted")
def spot(
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEO...", help="Video files, and folders of images.", show_default=False)
    ],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="A finished run, whose folds answer together.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME|FILE", help="A model: see mebench model list.")
    ] = None,
    out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="The folder to write into.")] = "spotted",
    fold: Annotated[
        str | None, typer.Option("--fold", metavar="FOLD", help="Of a run, one fold's models instead of all together.")
    ] = None,
    faces: Annotated[
        str, typer.Option("--faces", metavar="largest|all", help="Whose: the largest, or each by itself.")
    ] = "largest",
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second, of images, or where a file says a wrong rate.")
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write the video with curve and intervals drawn in; it shows the face.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes; all cores if left out.")
    ] = None,
    runs: Runs = "",
    json: Json = None,
) -> None:
    """Spot in videos of one's own.

    The folder holds intervals.csv and .json, intervals.eaf for ELAN, and report.html with the timeline. The page says what a
    result can and cannot say about a person.
    """
    from mebench.progress import Progress
    from mebench.results.spotted import CAUTION, Faces, spot_videos
    from mebench.runner.folder import RunFolder
    from mebench.runner.models import find, of_run
    from mebench.runner.trained import Ask

    if faces not in get_args(Faces):
        raise ConfigError(unknown("--faces", faces, get_args(Faces)))
    progress = Progress()
    if run is not None and model is None:
        folder = RunFolder.finished(runs, run)
        ask = Ask(str(folder.path.resolve()), tuple(one.fold for one in of_run(folder, fold)), ())
    elif run is None and model is not None and fold is None:
        ask = Ask(str(find(model).resolve()), (), ())
    else:
        raise ConfigError("mebench spot needs either --run RUN, of which --fold names one, or --model NAME")
    whose: Faces = "all" if faces == "all" else "largest"
    paths = [Path(video).expanduser() for video in videos]
    found = spot_videos(paths, ask, faces=whose, fps=fps, workers=workers, progress=progress)
    files = found.write(Path(out).expanduser(), overlay, progress)
    for video in found.videos:
        for note in video.notes:
            progress.say(f"{video.title}: {note}")
    progress.say(CAUTION)
    if overlay:
        progress.say("the overlay shows the faces of the video: treat it as the video itself")
    if json != "-":
        kinds = list(found.videos[0].answer.curves)
        print_table(("video", "seconds", *kinds), [_counted(video, kinds) for video in found.videos])
        print_lines(f"{out}: {', '.join(file.name for file in files)}")
    write_json(found.plain(), json)
    if found.failed:
        name, reason = next(iter(found.failed.items()))
        raise RunError(
            f"{plural(len(found.failed), 'video')} of {len(found.failed) + len(found.videos)} could not be predicted; {out} holds "
            f"the others. {name}: {reason}"
        )


def _counted(video: SpottedVideo, kinds: Sequence[Kind]) -> list[str]:
    spotted = [prediction.kind for prediction in video.answer.predictions]
    return [video.title, f"{video.end - float(video.times[0]):.1f}", *(str(spotted.count(kind)) for kind in kinds)]
