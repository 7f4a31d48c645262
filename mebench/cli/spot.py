"""`mebench spot`: what models spot in one's own videos."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from mebench.cli.options import Json, Runs
from mebench.console import plural, print_lines, print_table, write_json
from mebench.errors import ConfigError, RunError, unknown

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
    from mebench import api
    from mebench.api.own import counted
    from mebench.progress import Progress
    from mebench.results.spotted import CAUTION, Faces

    if faces not in get_args(Faces):
        raise ConfigError(unknown("--faces", faces, get_args(Faces)))
    if (run is None) == (model is None) or (run is None and fold is not None):
        raise ConfigError("mebench spot needs either --run RUN, of which --fold names one, or --model NAME")
    progress, whose = Progress(), cast("Faces", faces)
    by = api.load_run(run, runs) if run is not None else api.load_model(str(model))
    found = api.spot(videos, by, fold=fold, faces=whose, fps=fps, workers=workers, progress=progress)
    files = found.write(out, overlay, progress)
    for video in found.spotted.videos:
        for note in video.notes:
            progress.say(f"{video.title}: {note}")
    progress.say(CAUTION)
    if overlay:
        progress.say("the overlay shows the faces of the video: treat it as the video itself")
    if json != "-":
        kinds = list(found.spotted.videos[0].answer.curves)
        print_table(("video", "seconds", *kinds), [counted(video, kinds) for video in found.spotted.videos])
        print_lines(f"{out}: {', '.join(file.name for file in files)}")
    write_json(found.summary, json)
    if found.failed:
        name, reason = next(iter(found.failed.items()))
        raise RunError(
            f"{plural(len(found.failed), 'video')} of {len(found.failed) + len(found.spotted.videos)} could not be predicted; {out} holds "
            f"the others. {name}: {reason}"
        )
