"""`mebench score`: predictions of any program against a truth, under any convention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.options import Json, Rule, Verbose, say
from mebench.console import write_json
from mebench.errors import ConfigError, unknown

if TYPE_CHECKING:
    from mebench.exchange.frame_scores import Spotting

app = typer.Typer()

_READERS = {"auto": None, "csv": False, "strs": False, "megc2023": False, "megc2020": True}
"""Formats by name, and whether they are the log of MEGC 2020; all others are tables of text."""


@app.command("score", epilog="Example: mebench score --truth truth.csv --predictions mine.csv --sensitivity")
def score(
    truth: Annotated[
        str,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="True intervals (a row with empty onset and offset is a video without any), or the true class of each clip.",
        ),
    ],
    predictions: Annotated[
        str | None,
        typer.Option("--predictions", metavar="FILE", help="Spotted intervals: subject, video, onset, offset …"),
    ] = None,
    frame_scores: Annotated[
        str | None,
        typer.Option(
            "--frame-scores", metavar="FILE", help="Instead: subject, video, frame, score, made into intervals."
        ),
    ] = None,
    clips: Annotated[
        str | None,
        typer.Option("--clips", metavar="FILE", help="Instead: subject, video, emotion, named for given clips."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="auto|csv|strs|megc2020|megc2023", help="Format of the predictions.")
    ] = "auto",
    convention: Annotated[str, typer.Option("--convention", metavar="NAME", help="Rules of the scorer.")] = "strict",
    rule: Rule = None,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Show the scores under every convention.")] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="Emotions to score; all in the truth by default.")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option("--kinds", metavar="micro,macro", help="Kinds to score; those of the files by default."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second, for scores in ms and per minute.")
    ] = None,
    strict_videos: Annotated[
        bool, typer.Option("--strict-videos", help="Refuse videos that the truth does not name.")
    ] = False,
    loose_ids: Annotated[
        bool, typer.Option("--loose-ids", help="Take s1, 01 and 1 for one subject, EP2_1F and EP02_01f for one video.")
    ] = False,
    k_prime: Annotated[
        str | None, typer.Option("--k-prime", metavar="N", help="Half the length in frames; or micro=N,macro=N.")
    ] = None,
    p: Annotated[float | None, typer.Option("--p", help="Threshold, from mean (0) to maximum (1); 0.55.")] = None,
    smoothing: Annotated[
        str | None, typer.Option("--smoothing", metavar="average|gaussian_3|…", help="Of frame scores.")
    ] = None,
    postprocess: Annotated[
        str | None, typer.Option("--postprocess", metavar="paper|released_code", help="Whose intervals; the paper's.")
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option("--anchor", metavar="paper|middle", help="Intervals around peaks, or their windows' middles."),
    ] = None,
    short_videos: Annotated[
        bool, typer.Option("--short-videos", help="One expression a video: its highest peak, no threshold.")
    ] = False,
    write: Annotated[
        str | None, typer.Option("--write-predictions", metavar="FILE", help="Write the scored predictions there.")
    ] = None,
    write_form: Annotated[
        str, typer.Option("--write-format", metavar="csv|strs|megc2020|megc2023", help="In this format.")
    ] = "csv",
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    bootstrap: Annotated[int, typer.Option("--bootstrap", metavar="N", help="Draws; 0 for no intervals.")] = 1000,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Score predictions of any program against a truth.

    Files are tables of text, with any separator, encoding and order of columns, sheets of workbooks (`book.xlsx`, of several
    tables `book.xlsx:sheet`), or logs of MEGC 2020. Frames are taken as they are written: it does not matter whether they count
    from 0 or 1, as long as both files do the same. A clip that has no answer is counted as wrong.
    """
    if sum(file is not None for file in (predictions, frame_scores, clips)) != 1:
        raise ConfigError(
            "mebench score needs either --predictions FILE (intervals), --frame-scores FILE (one score a frame) or --clips FILE "
            "(the emotion of each given clip), and --truth FILE"
        )
    from mebench.exchange.clips import read_clips
    from mebench.exchange.files import of_clips, of_intervals
    from mebench.exchange.frame_scores import propose, read_frame_scores
    from mebench.exchange.intervals import read_intervals
    from mebench.exchange.join import Rules
    from mebench.exchange.table import Remarks
    from mebench.exchange.write import FORMATS, write_predictions
    from mebench.metrics.chance import recognition_chance
    from mebench.metrics.conventions import changed, named
    from mebench.metrics.summary import of_conventions, of_rules, strongest, summarize
    from mebench.progress import Progress
    from mebench.results.render.plots import confusions
    from mebench.results.render.scores import print_scores

    convention = named(changed(convention, rule or ())).name
    if form not in _READERS:
        raise ConfigError(unknown("format", form, _READERS))
    if fps is not None and not fps > 0:
        raise ConfigError(f"--fps must be above 0, not {fps}")
    if bootstrap < 0:
        raise ConfigError(f"--bootstrap must be 0 or more draws, not {bootstrap}")
    if write is not None and write_form not in FORMATS:
        raise ConfigError(unknown("format", write_form, FORMATS))
    of_intervals_only = {"--kinds": kinds, "--fps": fps, "--strict-videos": strict_videos, "--write-predictions": write}
    for option, value in (of_intervals_only if clips is not None else {}).items():
        if value:
            raise ConfigError(f"{option} is about intervals: it goes with --predictions or --frame-scores, not --clips")
    spotting = _spotting(frame_scores is not None, k_prime, p, smoothing, postprocess, anchor, short_videos)

    remarks, progress, rules = Remarks(), Progress(), Rules(fps, strict_videos, loose_ids)
    if clips is not None:
        true = read_clips(Path(truth).expanduser(), "truth", remarks)
        found = of_clips(true, Path(clips).expanduser(), rules, remarks, classes)
    else:
        scores = None
        if frame_scores is not None and spotting is not None:
            scores = read_frame_scores(Path(frame_scores).expanduser(), remarks)
            spotted = propose(scores, spotting, remarks)
        else:
            spotted = read_intervals(Path(str(predictions)).expanduser(), "predictions", remarks, _READERS[form])
        true = read_intervals(Path(truth).expanduser(), "truth", remarks)
        found = of_intervals(true, spotted, rules, remarks, classes=classes, kinds=kinds, scores=scores)
    if write is not None:
        write_predictions(Path(write).expanduser(), write_form, found.tables, remarks)

    def under(name: str, draws: int) -> dict[str, Any]:
        return summarize(
            found.tables, kinds=found.kinds, classes=found.classes, seed=seed, convention=name, draws=draws
        )

    with progress.waiting("scoring"):
        summary = under(convention, bootstrap)
        if sensitivity:
            summary["sensitivity"] = of_conventions(under)
            summary["sensitivity_of_rules"] = of_rules(under, convention)
            summary["remarks"] += strongest(summary["sensitivity_of_rules"], convention)
    if "recognition" in summary and found.tables.clips is not None:
        summary["chance"] = {"recognition": recognition_chance(found.tables, found.classes, convention)}
        summary["confusion"] = confusions(found.tables.clips, found.classes).to_dict("index")
    summary |= {"warnings": remarks.warnings, "repaired": remarks.repaired}
    say(remarks)
    if json != "-":
        print_scores(summary, found.tables, verbose)
    write_json(summary, json)


def _spotting(
    asked: bool,
    k_prime: str | None,
    p: float | None,
    smoothing: str | None,
    postprocess: str | None,
    anchor: str | None,
    short: bool,
) -> Spotting | None:
    """How to make intervals of frame scores, if that is asked; else an option that is about it is refused."""
    if not asked:
        given = {"--k-prime": k_prime, "--p": p, "--smoothing": smoothing, "--postprocess": postprocess}
        for name, value in {**given, "--anchor": anchor, "--short-videos": short or None}.items():
            if value is not None:
                raise ConfigError(
                    f"{name} makes intervals of frame scores: it goes with --frame-scores, not --predictions"
                )
        return None
    from mebench.core.options import ANCHORS, RULES, SMOOTHINGS
    from mebench.exchange.frame_scores import Spotting, half_lengths

    rule, smoothing, anchor = postprocess or "paper", smoothing or "average", anchor or "paper"
    if rule not in RULES:
        raise ConfigError(unknown("postprocess", rule, RULES))
    if smoothing not in SMOOTHINGS:
        raise ConfigError(unknown("smoothing", smoothing, SMOOTHINGS))
    if anchor not in ANCHORS:
        raise ConfigError(unknown("anchor", anchor, ANCHORS))
    return Spotting(half_lengths(k_prime), 0.55 if p is None else p, rule, short, smoothing, anchor)
