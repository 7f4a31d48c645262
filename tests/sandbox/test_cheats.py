"""Methods that look for the labels of whom they are tested on: those that look in memory find none."""

import json
import sys

import pytest
from mebench.datasets.megc2019_flow import dataset

import mebench
from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.features.pipeline import video_source
from mebench.output.progress import Progress
from mebench.runner import execute, make_plan, prepare as runner_prepare
from mebench.runner.session import open_session
from mebench.runner.workers import WorkerPool
from mebench.sandbox import confinement, isolation
from mebench.sandbox.file_view import is_view_possible
from mebench.testing import TINY
from tests.helpers.known_secret import write_secret
from tests.helpers.plugin_folders import PLUGINS, copy_plugins
from tests.helpers.process_views import counts_alone
from tests.plugins.cheat.marks import lay_boards
from tests.plugins.cheat.view import digests_of_maps
from tests.plugins.cheat.ways import COUNTED, FACTS, FILES, HELD, LEFT, MARKS, MEMORY, PROCESSES, REST

REFUSED = {
    *("dataset", "asking", "file", "folders", "question", "note", "store", "network", "descriptors"),
    *(
        "notes",
        "pictures",
        "secret",
        "shared memory",
        "signals",
        "for others",
        "watching",
    ),
}
"""Ways that end in a sentence; of the others the answers are as good as without."""
DRAWN = ("names", "order", "timing")
"""Ways whose answers are a guess."""
REFUSED_WITHOUT_VIEW = {"command line", "environments"}
"""Further ways that do where other processes can be seen, though not be read."""
FOUND_WITHOUT_VIEW = {"facts"}
"""Ways that find labels where files that cannot be read can be seen."""

TWO_FOLDS = ("protocol=kfold", "protocol.folds=2")
"""Whom one fold tests, the other trains on: enough for what a process remembers to be worth something."""

needs_sandbox = pytest.mark.skipif(
    bool(confinement.missing_parts()), reason=f"this kernel lacks {', '.join(confinement.missing_parts())}"
)


@pytest.fixture
def tried(own_folder, tmp_path, monkeypatch):
    """UF1 of each way to look for labels, or None where the run was refused. The clips' classes are 1, 2, 0, 1 for each of six people."""
    monkeypatch.setattr(WorkerPool, "start", lambda *_: None)  # of workers for features, which are ready-made
    dataset.Megc2019Flow.write_fake_tree(tmp_path / "maps")
    plugins = copy_plugins(tmp_path / "mine", "cheat")
    words = [f"plugins={plugins}", "method=cheat", "dataset=megc2019_flow", "bootstrap=0"]
    words += [f"{name}={tmp_path / name}" for name in ("runs", "cache")] + [f"dataset.root={tmp_path / 'maps'}"]
    places = {"folders": "maps", "watching": "maps", "truth": "runs", "store": "cache", "pictures": "maps"}
    places = {"file": "", "notes": "", "secret": "", **places}
    (plugins / "methods" / "cheat" / "place.txt").write_text(str(tmp_path / "maps"))
    known = {digest: (file.parts[-4], file.name) for digest, file in digests_of_maps(tmp_path / "maps").items()}
    (plugins / "methods" / "cheat" / "images.json").write_text(json.dumps(known))
    lay_boards(plugins / "methods" / "cheat")
    # As where a user gives the words of a run.
    monkeypatch.setattr(sys, "argv", ["mebench", "run", f"dataset.root={tmp_path / 'maps'}"])
    monkeypatch.setenv("MAPS", str(tmp_path / "maps"))
    monkeypatch.setenv("PWD", str(tmp_path / "maps"))
    # The same names each time: with drawn ones, one run in a few hundred is lucky.
    write_secret(tmp_path / "cache")

    def scores(ways, *more):
        configs = []
        for way in ways:
            in_places = [tmp_path / places[one] for one in way.split("+") if one in places]
            place = in_places[0] if in_places else ""
            configs.append(resolve([*words, "workers=1", *more, f"method.way={way}", f"method.place={place}"]))
        with execute.worker_pool(configs[0]) as pool:
            outcomes = execute.execute_all([open_session(make_plan(config)) for config in configs], pool, Progress())
        scores.outcomes = {way: str(outcome) for way, outcome in zip(ways, outcomes)}
        scores.words = words
        return {
            way: None if isinstance(outcome, MebenchError) else outcome.summary["recognition"]["scores"]["uf1"]["value"]
            for way, outcome in zip(ways, outcomes)
        }

    return scores


def together(ways):
    """The ways that one run tries one after the other: it answers by the first that finds a label."""
    return "+".join(ways)


def sort_ways(scores):
    """The ways that are refused, and those that change the score."""
    refused = {way for way, score in scores.items() if score is None}
    changing = {way for way, score in scores.items() if score != scores["none"]}
    return refused, changing - refused


@needs_sandbox
@pytest.mark.skipif(not is_view_possible(), reason="this system allows no view of the file system")
@pytest.mark.processes
def test_sandbox_and_aliases_hide_labels_from_cheats(tried):
    """In memory, files, facts, other processes, names, marks; nor does anything that a fold sends run where labels are known.

    Each is tried twice in one folder: in one worker, and after another method has run, by two folds at once.
    """
    ways = [*MEMORY, *FILES, *PROCESSES, *FACTS, *LEFT, *MARKS, *COUNTED, *HELD, *REST]
    open_here = () if counts_alone() else ("numbers of processes",)
    silent = [way for way in ways if way not in (*REFUSED, *DRAWN, *open_here)]
    tries = ["none", *sorted(REFUSED), *DRAWN, together(silent)]
    scores = tried(tries, *TWO_FOLDS)
    check_nothing_is_found(scores, tried.outcomes)
    run_another_method(tried.words)
    again = tried(tries, *TWO_FOLDS, "workers=2", "runs=again")
    check_nothing_is_found(again, tried.outcomes)
    assert again["none"] == scores["none"]
    assert not hasattr(mebench, "pierced")


def check_nothing_is_found(scores, outcomes):
    """Each way is refused or gives the honest score; guesses give a guess's."""
    refused, successful = sort_ways(scores)
    assert refused == REFUSED, {way: outcomes[way] for way in refused - REFUSED}
    assert "which it does not test: that is a leak" in outcomes["for others"]
    assert "PermissionError" in outcomes["file"]
    assert "config.yaml lists under reads" in outcomes["file"]
    assert "config.yaml lists under reads" in outcomes["pictures"]
    drawn = {way: scores[way] for way in DRAWN}
    assert successful - drawn.keys() == set()
    # By the names and the order of the release each answer would be right.
    assert scores["none"] < 0.3
    assert max(drawn["names"], drawn["order"]) < 0.6
    assert drawn["timing"] < 0.8  # random answers reach .75 twice in 100,000 draws, and .8 in none of 400,000


def run_another_method(words):
    """A run of an honest method with the same data, folds and places."""
    settings = [word for word in words if not word.startswith(("method", "plugins"))]
    config = resolve([*settings, "method=majority", "workers=1", *TWO_FOLDS])
    with execute.worker_pool(config) as pool:
        execute.execute_all([open_session(make_plan(config))], pool, Progress())


@needs_sandbox
@pytest.mark.processes
def test_marks_tell_labels_without_the_sandbox(tried):
    """What the sandbox keeps from folds is worth something: the second run finds the labels that the first marked at files."""
    ways = ["chattr", "fcntl hint", "atime"]
    tried([together(ways)], "sandbox=off", *TWO_FOLDS)
    again = tried(ways, "sandbox=off", "runs=again", *TWO_FOLDS)
    assert max(again.values()) > 0.8, again


@needs_sandbox
@pytest.mark.processes
def test_sandbox_without_view_shows_only_facts(tried, monkeypatch):
    """As in a container that allows no namespaces: a list of images, with their names and no labels, gives labels by `stat`."""
    monkeypatch.setattr(confinement, "is_view_possible", lambda: False)
    known = REFUSED | REFUSED_WITHOUT_VIEW
    silent = [
        way for way in (*FACTS, *LEFT, *MARKS, *PROCESSES) if way not in known | FOUND_WITHOUT_VIEW | {"atime", "pages"}
    ]
    expected = ["folders", "pictures", *sorted(known & PROCESSES.keys())]
    scores = tried(["none", *expected, *FOUND_WITHOUT_VIEW, together(silent)], *TWO_FOLDS)
    refused, successful = sort_ways(scores)
    assert refused == known & scores.keys()
    assert {scores[way] for way in FOUND_WITHOUT_VIEW} == {1}
    assert successful == set(FOUND_WITHOUT_VIEW)


@pytest.mark.processes
def test_Aliases_hold_without_the_sandbox(tried):
    """Files can be read then, but none is called as a clip is; who compares pictures, or knows the secret, finds all."""
    found = ("pictures", "import", together(["class", "memory"]))
    scores = tried(["none", "folders", "names", together(["file", "garbage"]), *found], "sandbox=off", *TWO_FOLDS)
    assert {scores.pop(way) for way in found} == {1}
    of_each = tried(["notes", "secret"], "sandbox=off")  # the secret names each person's fold
    assert of_each["notes"] > 0.9
    assert of_each["secret"] == 1
    assert scores.pop("folders") is None
    assert scores.pop("names") < 0.6
    assert set(scores.values()) == {scores["none"]}


@pytest.mark.processes
def test_prepare_lets_no_step_write_labels_into_features(own_folder, tmp_path):
    plan = make_plan(resolve([*TINY, f"plugins={PLUGINS}", "method=tell", f"cache={tmp_path / 'cache'}"]))
    assert sum(len(video.expressions) for video in plan.data.videos) == 3  # this process knows them
    found = runner_prepare.prepare_features([plan.feature_needs], OneWorker(), Progress())
    assert (len(found.seconds), [f.details for f in found.failures.values()]) == (3, [])
    for video in plan.data.videos:
        (e,) = video.expressions
        (chain,) = plan.features.chains_of(video)
        assert (
            video_source(plan.features.store, *plan.data.find_home(video), video).clip_feature(
                chain, e.onset, e.peak, e.offset
            )
            == 0
        )


class OneWorker:
    """This process is the worker, or hosts it."""

    def run(self, tasks, tick):
        server = isolation.ForkServer()
        server.warm_up(tasks[0].hosted or ())
        for task in tasks:
            worker = isolation.Worker(server=server)
            yield task, task.function(*task.shared, *task.arguments, *([] if task.hosted is None else [worker]))
            worker.close()
        server.close()
