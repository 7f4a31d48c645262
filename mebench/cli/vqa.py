"""`mebench vqa make|answer|score|report`: the questions of the grand challenge."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mebench.cli.option_checks import at_home
from mebench.cli.option_types import DatasetWords, Files, Json, Plugins, Runs, datasets_of
from mebench.cli.verbs import verb_group
from mebench.errors import ConfigError, SomeFailedError
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.table import Column, Table
from mebench.output.terminal import format_count, make_console, print_lines
from mebench.score_type import Score

with lazy_imports():
    from mebench.reports import answers_page, report as run_report
    from mebench.runs import folder as run_folder
    from mebench.vqa import (
        answer_facts,
        answer_findings,
        asking,
        endpoint as model_endpoint,
        floors,
        judged_answers,
        local_models,
        marking,
        model_cards,
        pictures,
        prompts,
        questions as vqa_questions,
        replies,
    )

if TYPE_CHECKING:
    from mebench.vqa.questions import QuestionCells

app = verb_group("vqa")

Out = Annotated[Path, typer.Option("-o", "--out", callback=at_home, metavar="FILE.jsonl", help="The file to write.")]
Answers = Annotated[Path, typer.Option("--answers", metavar="FILE.jsonl", help="The file of answers.")]
Questions = Annotated[Path, typer.Option("--questions", metavar="FILE.jsonl", help="The file of questions.")]


@app.command("make", epilog="Example: mebench vqa make dataset=samm dataset.root=/data/SAMM -o questions.jsonl")
def vqa_make_command(
    out: Out,
    words: DatasetWords = None,
    task: Annotated[str, typer.Option("--task", metavar="vqa|lvqa", help="Short clips, or long videos.")] = "vqa",
    version: Annotated[
        int, typer.Option("--version", metavar="1|2", help=("The year of the wording, with vqa: MEGC 2025 or 2026."))
    ] = 1,
    blind: Annotated[bool, typer.Option("--blind", help="Leave out wording that reveals answers.")] = False,
    answers: Annotated[bool, typer.Option("--answers/--no-answers", help="With the true answers, or empty.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the drawn units and events.")] = 0,
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Make the challenge's questions from annotations.

    The output also reports what the questions reveal to a reader without the video.
    """
    videos = [video for dataset in datasets_of(words, files, plugins).values() for video in dataset.videos()]
    rows = vqa_questions.make_questions(videos, cast(Any, task), version, blind, seed)
    vqa_questions.write_questions(out, rows, answers)
    leaks = vqa_questions.find_leaks(rows)
    Progress().notify(*(f"note: {line}" for line in leaks))
    n_clips = len({vqa_questions.clip_of(row) for row in rows})
    about = format_count(n_clips, "clip" if task == "vqa" else "video")
    report = {"file": str(out), "questions": len(rows), "clips": n_clips, "leaks": leaks}
    write_json(report, json, f"{out}: {format_count(len(rows), 'question')} about {about}")


@app.command("answer", epilog="Example: mebench vqa answer mean-samm_lv --questions questions.jsonl -o answers.jsonl")
def vqa_answer_command(
    questions: Questions,
    out: Out,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN|KEY=VALUE", help=("Runs whose predictions give the answers; with a model, the dataset.")
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="Ask a model at this address instead.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The model's name at that address, or in the row.")
    ] = "",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="PATH",
            help="A folder with a Hugging Face model, to answer here; with --endpoint, a file or folder for its hash.",
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option("--card", metavar="FILE", help="The model's card; by default README.md in its folder."),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="Of a model that answers here: auto, cpu, cuda or mps.")
    ] = "auto",
    see: Annotated[
        str,
        typer.Option("--see", metavar="KINDS", help="frames, crops, flow, difference, strip, magnified; or none."),
    ] = "frames",
    n_frames: Annotated[
        int, typer.Option("--frames", metavar="N", min=1, help="Number of moments of a clip for the model.")
    ] = 8,
    size: Annotated[
        int, typer.Option("--size", metavar="PIXELS", min=16, max=2048, help="Longer side of a picture.")
    ] = 448,
    apex: Annotated[
        str, typer.Option("--apex", metavar="even|known|spotted", help="The moments: evenly placed, or with the apex.")
    ] = "even",
    windows: Annotated[
        int, typer.Option("--windows", metavar="N", min=1, max=100, help="Windows of a long video, after an overview.")
    ] = 1,
    prompt: Annotated[
        str, typer.Option("--prompt", metavar="NAME|FILE", help="An included prompt (plain, classes), or a .yaml file.")
    ] = "plain",
    examples: Annotated[
        int,
        typer.Option("--examples", metavar="N", min=0, max=20, help="Answered questions of other people before each."),
    ] = 0,
    constrain: Annotated[
        str, typer.Option("--constrain", metavar="schema|likelihood", help="Let the model choose among the classes.")
    ] = "",
    temperature: Annotated[
        float, typer.Option("--temperature", metavar="T", min=0, help="0 is the likeliest text.")
    ] = 0,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of the model's draws.")] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", metavar="N", min=1, help="Longest answer.")] = 256,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="For one answer.")] = 120,
    retries: Annotated[
        int, typer.Option("--retries", metavar="N", min=0, max=20, help="Further tries after an error that may pass.")
    ] = 2,
    parallel: Annotated[
        int, typer.Option("--parallel", metavar="N", min=1, max=256, help="Questions that are asked at a time.")
    ] = 1,
    floor: Annotated[
        str | None,
        typer.Option(
            "--floor", metavar="majority|prior|sentence|names|truth", help="Answer without a picture, by this rule."
        ),
    ] = None,
    learn: Annotated[
        Path | None,
        typer.Option(
            "--learn", metavar="FILE.jsonl", help="Questions with true answers, for a floor or for --examples."
        ),
    ] = None,
    runs: Runs = "",
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Answer questions from predictions of runs, or with a model.

    Classes come from a recognizer, action units from runs with scheme=AU<number>, counts and types from a spotter; several runs
    answer together. A model behind an OpenAI-compatible address, or in a folder (--weights), sees the pictures that --see names, from
    onset to offset, or over the whole video. Each answer is kept, so an interrupted command continues. $MEBENCH_ENDPOINT_KEY is sent
    to the address as its key. Beside the answers, <name>.about.json says how they came about.
    """
    rows = vqa_questions.read_questions(questions)
    learnt = () if learn is None else vqa_questions.read_questions(learn)
    if floor is not None:
        _answer_by_floor(floor, rows, learnt or None, out, json)
    elif endpoint is not None or weights is not None:
        if endpoint is not None and not model:
            raise ConfigError("--endpoint needs --model NAME, the model's name on the server")
        kinds = tuple(kind.strip() for kind in see.split(","))
        seen = pictures.PictureSettings(kinds, n_frames, size, cast(Any, apex), windows)
        settings = asking.AskSettings(
            prompt=prompts.read_prompt(prompt),
            pictures=seen.describe(),
            temperature=temperature,
            seed=seed,
            max_tokens=max_tokens,
            retries=retries,
            parallel=parallel,
            constraint=constrain,
            learnt=learnt,
            examples=examples,
            largest=size,
        )
        datasets = {} if kinds == ("none",) else datasets_of(words, files, plugins)
        frames = pictures.PicturesOfQuestions(list(datasets.values()), seen)
        about = {**seen.list_facts(), **settings.list_facts(), **_facts_of_files(weights, card)}
        if endpoint is not None:
            asked = _at_address(endpoint, model, timeout, settings, rows, frames, out)
        else:
            asked = _on_this_machine(weights or Path(), model, device, settings, rows, frames, out)
        _answer_by_model(asked, about, rows, out, json)
    elif words:
        _answer_by_runs([run_folder.RunFolder.open_finished(runs, word) for word in words], rows, out, json)
    else:
        raise ConfigError(
            "mebench vqa answer needs runs with predictions, --endpoint URL --model NAME, --weights FOLDER, or --floor RULE"
        )


@dataclass(frozen=True)
class AskedModel:
    """A model that is asked.

    Attributes:
        facts: its facts in the row.
        ask: function that asks all questions; it gets one to call after each question, and one that takes the cost so far.
    """

    facts: Mapping[str, Any]
    ask: Callable[[Callable[[], object], Callable[[asking.AnsweringCost], object]], asking.AnsweringCost]


def _facts_of_files(weights: Path | None, card: Path | None) -> dict[str, Any]:
    """The hash of a model's weights, and what its card says."""
    beside = None if weights is None else weights / model_cards.CARD
    if card is None and beside is not None and beside.is_file():
        card = beside
    facts: dict[str, Any] = {} if weights is None else {"weights": answer_facts.hash_of_weights(weights)}
    if card is not None:
        facts["card"] = model_cards.read_model_card(card).list_facts()
        Progress().notify(f"note: training data by the model's card: {model_cards.trained_on_by_card(facts['card'])}")
    return facts


def _at_address(
    endpoint: str,
    model: str,
    timeout: float,
    settings: asking.AskSettings,
    rows: Sequence[QuestionCells],
    frames: Callable[[QuestionCells], Any],
    out: Path,
) -> AskedModel:
    """A model behind an address."""
    key = os.environ.get("MEBENCH_ENDPOINT_KEY", "")

    def ask(advance: Callable[[], object], account: Callable[[asking.AnsweringCost], object]) -> asking.AnsweringCost:
        return model_endpoint.query_model(endpoint, model, rows, frames, out, timeout, key, advance, settings, account)

    return AskedModel({"model": model, "address": answer_facts.address_without_keys(endpoint)}, ask)


def _on_this_machine(
    weights: Path,
    model: str,
    device: str,
    settings: asking.AskSettings,
    rows: Sequence[QuestionCells],
    frames: Callable[[QuestionCells], Any],
    out: Path,
) -> AskedModel:
    """A model in a folder, loaded."""
    with Progress().waiting("loading the model"):
        loaded = local_models.load_local_model(weights, settings, model, device)

    def ask(advance: Callable[[], object], account: Callable[[asking.AnsweringCost], object]) -> asking.AnsweringCost:
        return asking.ask_questions(loaded, rows, frames, out, settings, advance, account)

    return AskedModel(loaded.list_facts(), ask)


def _answer_by_floor(
    floor: str, rows: Sequence[QuestionCells], learnt: Sequence[QuestionCells] | None, out: Path, json: str | None
) -> None:
    """Answer by a floor, which sees no picture."""
    answers = floors.answer_by_floor(floor, rows, learnt)
    vqa_questions.write_questions(out, answers)
    answer_facts.write_facts(out, {"floor": floor})
    message = f"{out}: {format_count(len(answers), 'question')} answered by the floor {floor}: {floors.LEVELS[floor]}"
    write_json({"file": str(out), "questions": len(rows), "floor": floor}, json, message)


def _answer_by_model(
    asked: AskedModel, about: Mapping[str, Any], rows: Sequence[QuestionCells], out: Path, json: str | None
) -> None:
    """Ask a model; answers that are there already are kept."""
    former = answer_facts.continue_facts(out, {**asked.facts, **about})
    answer_facts.write_facts(out, former)

    def account(paid: asking.AnsweringCost) -> None:
        answer_facts.write_facts(out, answer_facts.add_costs(former, asdict(paid)))

    with Progress().stage("asking", len(rows), "questions") as advance:
        cost = asked.ask(advance, account)
    if cost.cut:
        Progress().notify(f"note: the last line of {out} was not whole; its question was asked again")
    write_json(
        {"file": str(out), "questions": len(rows), **asdict(cost)},
        json,
        f"{out}: {cost.asked} asked, {cost.kept} kept from before, {cost.refused} refused, {cost.failed} failed, "
        f"{cost.tokens:,} tokens",
    )
    if cost.failed:
        raise SomeFailedError(
            f"the {'server' if 'address' in former else 'model'} failed at {format_count(cost.failed, 'question')}: the same command "
            "asks them again"
        )


def _answer_by_runs(
    runs: Sequence[run_folder.RunFolder], rows: Sequence[QuestionCells], out: Path, json: str | None
) -> None:
    """Take the answers from the predictions of runs."""
    answers, unanswered = replies.answer_questions(runs, rows)
    vqa_questions.write_questions(out, answers)
    answer_facts.write_facts(out, {"runs": [run.id for run in runs], "seconds": replies.seconds_of_runs(runs)})
    for kind, n in unanswered.items():
        Progress().notify(
            f"note: {format_count(n, 'question')} of the kind {kind!r} not answered: the runs have no answer"
        )
    done = f"{out}: {len(rows) - unanswered.total()} of {format_count(len(rows), 'question')} answered"
    write_json({"file": str(out), "questions": len(rows), "unanswered": dict(unanswered)}, json, done)


@app.command("score", epilog="Example: mebench vqa score --questions questions.jsonl --answers answers.jsonl")
def vqa_score_command(
    questions: Questions,
    answers: Answers,
    scorer: Annotated[
        str,
        typer.Option(
            "--scorer", metavar="megc2025_a|megc2025_b|strict", help=("The scorer of BLEU, ROUGE and class averages.")
        ),
    ] = "megc2025_b",
    json: Json = None,
) -> None:
    """Score answers, with intervals and floors.

    The floors are answers without an image; intervals are over people. docs/how_to/questions.md describes the
    two public scorers, and `strict`.
    """
    summary = marking.score_answers(
        vqa_questions.read_questions(questions), vqa_questions.read_questions(answers), cast(Any, scorer)
    )
    Progress().notify(*(f"warning: {line}" for line in summary["warnings"]))
    if not write_json(summary, json):
        return
    floors = list(marking.FLOORS)
    columns = [Column("name", "score"), Column("value", "", score=True, interval=True)]
    columns += [Column(floor, floor) for floor in floors]
    rows = [
        {
            "name": name,
            "value": Score.from_plain(value),
            **{floor: summary["floors"][floor].get(name) for floor in floors},
        }
        for name, value in summary["scores"].items()
    ]
    title = f"{scorer}: {summary['answered']} of {summary['questions']} answered"
    make_console().print(Table.from_items(columns, rows, title).to_terminal())
    for name, agreement in summary["consistency"].items():
        print_lines(f"{name.replace('_', ' ')} agree in {agreement['agree']} of {agreement['of']}")
    print_lines(*(f"leak: {line}" for line in summary["leaks"]))


@app.command("report", epilog="Example: mebench vqa report --questions questions.jsonl --answers answers.jsonl")
def vqa_report_command(
    questions: Questions,
    answers: Answers,
    words: DatasetWords = None,
    out: Annotated[Path, typer.Option("-o", "--out", callback=at_home, metavar="FILE", help="The page.")] = Path(
        "answers.html"
    ),
    files: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Write a page on which every answer can be looked at.

    Each question has its answer, the truth where it is known, and for each scorer how the answer was read and why it was scored so.
    The page lists the answers that no reader understood and counts refusals. It holds no picture, only what
    was shown in words; with the dataset it names the frames.
    """
    asked = vqa_questions.read_questions(questions)
    given = vqa_questions.read_questions(answers)
    facts = answer_facts.read_facts(answers)
    frames_of = _frames_shown(asked, facts, words, files, plugins) if words or files else None
    report = judged_answers.report_answers(asked, given, facts, frames_of)
    scores = answer_findings.scores_with_floors(report["scored"]) if report["scored"] else []
    run_report.write_page(answers_page.page_of_answers(report, answers.stem, judged_answers.STATES, scores), out)
    states = report["states"]
    write_json(
        {"file": str(out), **report},
        json,
        f"{out}: {format_count(report['questions'], 'answer')}, {states['empty'] + states['refused']} refused or empty "
        f"({report['refusal_share']:.1%}), {states['not understood']} not understood, {states['missing']} missing",
    )


def _frames_shown(
    asked: Sequence[QuestionCells],
    facts: Mapping[str, Any],
    words: list[str] | None,
    files: list[str] | None,
    plugins: list[str] | None,
) -> dict[str, list[int]]:
    """The frames that a model was shown for each question, by its id."""
    if "see" not in facts:
        raise ConfigError(
            "the frames are known only for answers of a model, beside which mebench vqa answer wrote what it saw: leave the dataset out"
        )
    settings = pictures.PictureSettings.from_facts(facts)
    shown = pictures.PicturesOfQuestions(list(datasets_of(words, files, plugins).values()), settings)
    return {vqa_questions.id_of(row): shown.frames_of(row) for row in asked}
