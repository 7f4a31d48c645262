"""`mebench spot`: spot in the user's own videos, and live."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from mebench.cli.foreign_code import AgreesToCodeOfRun, ask_for_code_of_run
from mebench.cli.option_checks import at_home, check_folder
from mebench.cli.option_types import Json, Runs, refuse_failed
from mebench.errors import check_known, refuse_if
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.json_output import json_line, write_json
from mebench.output.progress import Progress
from mebench.output.terminal import at_terminal, format_count, make_console, print_lines, print_table

with lazy_imports():
    from mebench.api import evaluation, run_results
    from mebench.frames import stream as frame_stream
    from mebench.inference import (
        alarm_rates,
        live as live_spotting,
        models as trained_models,
        spotted as spotted_videos,
    )
    from mebench.reports import timeline
    from mebench.runner import execute

if TYPE_CHECKING:
    import numpy as np
    import rich.live as rich_live
    import rich.text as rich_text

    from mebench.api.evaluation import Spottings, TrainedModel
    from mebench.core import Kind
    from mebench.inference.models import Model
else:
    np = load_lazily("numpy")
    rich_live = load_lazily("rich.live")
    rich_text = load_lazily("rich.text")

app = typer.Typer()


@app.command("spot", epilog="Example: mebench spot my.mp4 -o spotted")
def spot_command(
    videos: Annotated[
        list[str] | None,
        typer.Argument(metavar="VIDEO...", help="Video files, and folders of images.", show_default=False),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="A finished run, whose folds answer together.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME|FILE", help="A model, see mebench model list; by default an included one."
        ),
    ] = None,
    out: Annotated[
        str, typer.Option("-o", "--out", callback=at_home, metavar="DIR", help="The folder to write into.")
    ] = "spotted",
    fold: Annotated[
        str | None,
        typer.Option("--fold", metavar="FOLD", help=("Use the models of one fold of the run instead of all folds.")),
    ] = None,
    faces: Annotated[
        str, typer.Option("--faces", metavar="largest|all", help="The largest face, or each face by itself.")
    ] = "largest",
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps",
            help=(
                "Frames per second of images, or of a file that states a wrong rate; with --live, frames are "
                "dropped or repeated to this rate."
            ),
        ),
    ] = None,
    damaged: Annotated[
        str,
        typer.Option(
            "--damaged", metavar="refuse|accept", help="Use whatever can be decoded of a damaged file, or skip it."
        ),
    ] = "refuse",
    emotions: Annotated[
        bool,
        typer.Option(
            "--emotions",
            help="Name emotions, by the model, or by an included one if it only spots; that learnt them from drawings.",
        ),
    ] = False,
    neutral: Annotated[
        str | None,
        typer.Option(
            "--neutral",
            metavar="A-Bs|FILM",
            help="Seconds of each video in which nothing happened, such as 0-20s, or another film of the person: it sets the level.",
        ),
    ] = None,
    recovery: Annotated[
        bool,
        typer.Option(
            "--recovery",
            help="Put micro-expressions into copies of each video, and say how many of them are found; it says first what that costs.",
        ),
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write the video with curve and intervals drawn in; it shows the face.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Number of processes; by default one for each core.")
    ] = None,
    live: Annotated[
        str | None,
        typer.Option("--live", metavar="FILE|camera", help="Spot while a file plays, or from a camera."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Stop a live video after this many seconds.")
    ] = None,
    runs: Runs = "",
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
) -> None:
    """Spot in your own videos.

    The folder holds intervals.csv and .json, intervals.eaf for ELAN, and report.html with the timeline and the limits of a result
    about a person. With --live, curve and intervals are shown as they come, and written as lines of JSON.
    """
    _check_models(run, fold, model)
    is_live = live is not None
    refuse_if((bool(videos) == is_live, "mebench spot needs either a VIDEO, or several, or --live FILE|camera"))
    _check_above_zero({"--fps": fps, "--seconds": seconds})
    is_given = {  # options of whole videos
        "--overlay": overlay,
        "--faces": faces != "largest",
        "-o": out != "spotted",
        "--workers": workers is not None,
        "--damaged": damaged != "refuse",
        "--neutral": neutral is not None,
        "--recovery": recovery,
    }
    needless = [option for option, given in is_given.items() if given and is_live]
    refuse_if(
        (not is_live and seconds is not None, "--seconds ends a live video: add --live FILE|camera, or leave it out"),
        *((True, f"{option} is for whole videos: leave it out, or leave out --live") for option in needless),
    )
    progress = Progress()
    paths = evaluation.videos_at(videos or ())
    check_known("--faces", faces, get_args(spotted_videos.Faces))
    check_known("--damaged", damaged, ("refuse", "accept"))
    by = _load_models(run, runs, model, yes, progress)
    if live is not None:
        models = _models_of(by, fold)
        refuse_if(
            (
                emotions and "recognize" not in models[0].about["tasks"],
                f"{models[0].name} names no emotions in live video: add --model mean, or leave --emotions out",
            )
        )
        spotter = live_spotting.Live(models, frame_stream.Stream(live, fps), emotions)
        _spot_live(spotter, live, seconds, json, progress)
        return
    check_folder("-o", out)
    try:
        with execute.stopped_by_signals():
            result = evaluation.spot(
                paths,
                by,
                fold=fold,
                faces=cast("spotted_videos.Faces", faces),
                fps=fps,
                damaged=damaged,
                emotions=emotions,
                neutral=neutral,
                recovery=recovery,
                workers=workers,
                progress=progress,
                trusted=True,
            )
            files = result.write(out, overlay, progress)
    except KeyboardInterrupt as stop:
        raise execute.InterruptedRunError(f"stopped: nothing was written into {out}", stop) from None
    progress.notify(*_cautions(result, files, out, overlay))
    is_left_for_people = write_json(result.summary, json)
    if is_left_for_people:
        kinds = list(result.spotted.videos[0].answer.curves)
        rows = [evaluation.row_of_spotted_video(video, kinds) for video in result.spotted.videos]
        print_table(("video", "seconds", *kinds), rows)
        print_lines(f"{out}: {', '.join(file.name for file in files)}")
    refuse_failed(result.failed, len(result.failed) + len(result.spotted.videos), out)


def _check_models(run: str | None, fold: str | None, model: str | None) -> None:
    """Refuse two models, and a fold without its run."""
    names_two_models = run is not None and model is not None
    names_fold_alone = run is None and fold is not None
    refuse_if(
        (
            names_two_models or names_fold_alone,
            "mebench spot takes either --run RUN, with --fold for one fold, or --model NAME",
        )
    )


def _check_above_zero(options: Mapping[str, float | None]) -> None:
    """Refuse numbers of options that are not above 0."""
    stated = {option: value for option, value in options.items() if value is not None}
    refuse_if(
        *(
            (not 0 < value < inf, f"{option} must be a number above 0, not {value:g}")
            for option, value in stated.items()
        )
    )


def _load_models(
    run: str | None, runs: str, model: str | None, yes: bool, progress: Progress
) -> run_results.Run | TrainedModel:
    """The run, or the model, whose answers are asked for; an included model says so."""
    if run is not None:
        loaded_run = run_results.load_run(run, runs)
        ask_for_code_of_run(loaded_run.folder, yes, trains=False)
        return loaded_run
    loaded = evaluation.load_model(model)
    if model is None:
        learnt_from = alarm_rates.describe_training(loaded.card)
        progress.notify(
            f"using the included model {loaded.name}{learnt_from}: see mebench model info {loaded.name} for its scores; "
            "choose another with --model or --run"
        )
    return loaded


def _models_of(by: run_results.Run | TrainedModel, fold: str | None) -> Sequence[Model]:
    """The models of a run's folds, or the one of a file."""
    if isinstance(by, run_results.Run):
        return trained_models.models_of_run(by.folder, fold)
    return (trained_models.read_model(by.path),)


def _cautions(result: Spottings, files: Sequence[Path], out: str, overlay: bool) -> list[str]:
    """Sentences about the videos, the limits of the result, and the files."""
    cautions = [f"{video.title}: {note}" for video in result.spotted.videos for note in video.notes]
    cautions += [f"{video.title}: {rate.describe()}" for video in result.spotted.videos for rate in video.rates]
    for video in result.spotted.videos:
        if video.recovery is not None:
            cautions += [f"{video.title}: {sentence}" for sentence in video.recovery.describe()]
    cautions.append(spotted_videos.CAUTION)
    if overlay:
        cautions.append("the overlay shows the faces of the video: treat it like the video itself")
    earlier = sorted(file.name for file in files[0].parent.glob("*.eaf") if file not in files)
    if earlier:
        cautions.append(f"{out} keeps files of an earlier command: {', '.join(earlier)}")
    return cautions


def _spot_live(
    spotter: live_spotting.Live, source: str, seconds: float | None, json: str | None, progress: Progress
) -> None:
    """Spot in a live video; show and write the results meanwhile."""
    stream = spotter.stream
    timing = spotter.timing
    delays = _expected_delays(spotter)
    progress.notify(spotted_videos.CAUTION, *_delays_in_words(spotter, delays))
    n_intervals = 0
    with _event_writer(json) as write, _curves(spotter.levels, quiet=json == "-") as show:
        write(
            {
                "event": "start",
                "source": source,
                "fps": stream.fps,
                "k": timing.k,
                "k_prime": dict(timing.k_prime),
                "thresholds": spotter.levels,
                "delay_ms": delays,
            }
        )
        try:
            for result in spotter.run(seconds):
                write(_event_of(result))
                if isinstance(result, live_spotting.LiveInterval):
                    n_intervals += 1
                show(result)
        except KeyboardInterrupt:
            progress.notify("stopped")
        measured = _measured_delays(spotter)
        write(
            {
                "event": "end",
                "frames": stream.taken,
                "seconds": stream.taken / stream.fps,
                "intervals": n_intervals,
                "dropped": stream.dropped,
                "missing": stream.missing,
                "delay_ms": measured,
            }
        )
    delay_words = [f"{name} {ms['median']} ms (at most {ms['highest']})" for name, ms in measured.items()]
    output = progress.notify if json == "-" else print_lines  # standard output is the events' alone
    output(
        f"{stream.taken / stream.fps:.1f} s, {format_count(stream.taken, 'frame')}, {stream.dropped} dropped, "
        f"{stream.missing} missing in the source, {format_count(n_intervals, 'interval')}",
        f"measured delay: {', '.join(delay_words) or 'nothing was spotted'}",
    )


@contextmanager
def _event_writer(json: str | None) -> Iterator[Callable[[Mapping[str, Any]], object]]:
    """A function that writes an event as a line of JSON at once: into a file, to standard output, or nowhere."""
    if json is None:
        yield lambda event: None
    elif json == "-":
        yield lambda event: print_lines(json_line(event), flush=True)
    else:
        with Path(json).open("w", encoding="utf-8", newline="\n", buffering=1) as file:
            yield lambda event: file.write(json_line(event) + "\n")


def _expected_delays(spotter: live_spotting.Live) -> dict[Kind, dict[str, int]]:
    """Expected delays of the curve and the intervals of each kind, in milliseconds."""
    ms_of_frame = 1000 / spotter.stream.fps
    delays = {}
    for kind in spotter.levels:
        curve, intervals = spotter.delays_in_frames(kind)
        delays[kind] = {"curve": round(ms_of_frame * curve), "intervals": round(ms_of_frame * intervals)}
    return delays


def _delays_in_words(spotter: live_spotting.Live, delays: Mapping[Kind, Mapping[str, int]]) -> Iterator[str]:
    """A sentence on the delay of each kind."""
    ms_of_frame = 1000 / spotter.stream.fps
    timing = spotter.timing
    for kind, ms in delays.items():
        yield (
            f"{kind}: the curve is {ms['curve']} ms late, an interval comes {ms['intervals']} ms after its peak, or "
            f"later if peaks are close: k = {ms_of_frame * timing.k:.0f} ms, k' = {ms_of_frame * timing.k_prime[kind]:.0f} ms"
        )


def _measured_delays(spotter: live_spotting.Live) -> dict[str, dict[str, int]]:
    """Median and highest measured delay in milliseconds, of points and of intervals."""
    return {
        name: {"median": round(1000 * float(np.median(delays))), "highest": round(1000 * max(delays))}
        for name, delays in spotter.delays.items()
        if delays
    }


def _event_of(result: live_spotting.CurvePoint | live_spotting.LiveInterval) -> dict[str, Any]:
    """The line of JSON of a point or an interval: frames count from 0, seconds are those of the video."""
    delay_ms = round(1000 * result.delay)
    if isinstance(result, live_spotting.CurvePoint):
        return {
            "event": "curve",
            "kind": result.kind,
            "frame": result.frame,
            "seconds": round(result.seconds, 6),
            "score": result.score,
            "face": result.face,
            "delay_ms": delay_ms,
        }
    prediction = result.prediction
    onset_s, apex_s, offset_s = (round(seconds, 6) for seconds in result.seconds)
    return {
        "event": "interval",
        "kind": prediction.kind,
        "onset": prediction.onset,
        "apex": prediction.apex,
        "offset": prediction.offset,
        "onset_s": onset_s,
        "apex_s": apex_s,
        "offset_s": offset_s,
        "confidence": prediction.confidence,
        "emotion": prediction.emotion,
        "delay_ms": delay_ms,
    }


BLOCKS = " ▁▂▃▄▅▆▇█"
WIDE = 60
"""Number of visible points of a curve."""


@contextmanager
def _curves(levels: Mapping[Kind, float], quiet: bool) -> Iterator[Any]:
    """A function that shows points and intervals: on a terminal running curves, elsewhere the intervals as lines; or
    nothing.
    """
    if quiet:
        yield lambda result: None
        return
    if not at_terminal():
        yield _print_interval
        return
    curves: dict[Kind, deque[float]] = {kind: deque(maxlen=WIDE) for kind in levels}
    with rich_live.Live(rich_text.Text(""), console=make_console(), refresh_per_second=8, transient=True) as display:

        def show(result: live_spotting.CurvePoint | live_spotting.LiveInterval) -> None:
            if not isinstance(result, live_spotting.CurvePoint):
                display.console.print(_interval_words(result))
                return
            curves[result.kind].append(result.score)
            rows = []
            for kind, values in curves.items():
                low = min(chain(values, [0.0]))
                high = max(chain(values, [levels[kind]]))
                marks = (BLOCKS[int((value - low) / max(high - low, 1e-9) * (len(BLOCKS) - 1))] for value in values)
                rows.append(
                    f"{kind}  {''.join(marks):>{WIDE}}  {values[-1] if values else 0:.3f} of {levels[kind]:.3f}"
                )
            seen = "" if result.face else "   no face in sight"
            display.update(rich_text.Text(f"{timeline.clock_time(result.seconds)}{seen}\n" + "\n".join(rows)))

        yield show


def _print_interval(result: live_spotting.CurvePoint | live_spotting.LiveInterval) -> None:
    """Print an interval as a line; a point prints nothing."""
    if isinstance(result, live_spotting.LiveInterval):
        print_lines(_interval_words(result), flush=True)


def _interval_words(interval: live_spotting.LiveInterval) -> str:
    """An interval in words: its times, kind, emotion and confidence."""
    prediction = interval.prediction
    onset, _, offset = interval.seconds
    label = " ".join(filter(None, [prediction.kind, prediction.emotion]))
    times = f"{timeline.clock_time(onset)} to {timeline.clock_time(offset)}"
    return f"{times}  {label}  {prediction.confidence:.3g}  ({1000 * interval.delay:.0f} ms after its peak)"
