"""The storage: one study of several processes, one of them killed; samplers by name; what is kept of a trial."""

import dataclasses
import importlib.util
import json
import multiprocessing
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace

import optuna
import pytest

from mebench.errors import ConfigError, RunError
from mebench.tuning import records
from mebench.tuning.space import Dimension, Space
from mebench.tuning.study import SAMPLERS, SharedStudy, StudyStorage

SPACE = Space(
    (
        Dimension("method.n", "training", 3, low=1, high=5, whole=True),
        Dimension("method.rule", "training", "paper", choices=("paper", None, (1, 2))),
        Dimension("method.x", "postprocess", 0.5, low=0.0, high=1.0, step=0.25),
    )
)
FEW = Space((SPACE.dimensions[1], dataclasses.replace(SPACE.dimensions[2], step=0.5)))
"""Of nine values."""
UP = records.Objective("f1", "maximize")
FORK = multiprocessing.get_context("fork")  # whose copies need not import anything again


def terms(objectives=(UP,), space=SPACE, about=None, **options):
    about = {"method": "mean"} if about is None else about
    return records.Terms("study", about, space, objectives, records.TuneOptions(**options))


def values_of(values, step):
    return [values["method.x"] + values["method.n"] / 10]


def nothing(study, trial):
    pass


def test_SharedStudy_stores_names_of_objectives(place):
    shared = SharedStudy(place, terms((UP, records.Objective("cost", "minimize"))))
    shared.run(1, lambda values, step: [0.5, 2.0], nothing)
    study = optuna.load_study(study_name="study", storage=place.url)
    assert study.metric_names == ["f1", "cost"]
    assert study.trials_dataframe()[["values_f1", "values_cost"]].to_numpy().tolist() == [[0.5, 2.0]]


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"cmaes"}))
def test_SharedStudy_takes_every_sampler_by_name(place, sampler):
    shared = SharedStudy(place, terms(sampler=sampler))
    shared.run(6, values_of, nothing)
    study = shared.read_study()
    assert [trial.state for trial in study.trials] == ["complete"] * 6
    assert study.trials[0].params == {"method.n": 3, "method.rule": "paper", "method.x": 0.5}, "the default comes first"
    for trial in study.trials:
        assert trial.values == tuple(values_of(trial.params, None))
        assert all(d.contains(trial.params[d.key]) for d in SPACE.dimensions)


def test_SharedStudy_names_the_package_a_sampler_lacks(place):
    if importlib.util.find_spec("cmaes") is not None:
        pytest.skip("cmaes is installed")
    with pytest.raises(ConfigError, match="pip install cmaes"):
        SharedStudy(place, terms(sampler="cmaes"))


def test_SharedStudy_grid_ends_with_its_last_value(place):
    shared = SharedStudy(place, terms(space=FEW, sampler="grid"))
    shared.run(1000, lambda values, step: [values["method.x"]], nothing)
    tried = {tuple(map(str, trial.params.values())) for trial in shared.read_study().trials}
    assert len(tried) == 3 * 3


def test_SharedStudy_knows_a_default_outside_the_space(place):
    (x,) = (d for d in SPACE.dimensions if d.key == "method.x")
    shared = SharedStudy(place, terms(space=Space((dataclasses.replace(x, default=3.0),))))
    shared.run(3, lambda values, step: [values["method.x"]], nothing)
    assert shared.read_study().default is None
    shared.try_default(lambda values, step: [values["method.x"]])
    shared.try_default(None)  # it is not tried again
    assert (shared.read_study().default.values, len(shared.read_study().trials)) == ((3.0,), 3)
    assert shared.read_study().default.number < 0, "it is none of the trials"


def test_SharedStudy_raises_an_error_that_is_no_sentence(place):
    def broken(values, step):
        raise ValueError("a bug")

    shared = SharedStudy(place, terms())
    with pytest.raises(ValueError, match="a bug"):
        shared.run(3, broken, nothing)


def test_SharedStudy_counts_no_failed_trials(place):
    tried = []

    def moody(values, step):
        tried.append(values)
        if len(tried) % 2:
            raise RunError("bad weather")
        return [1.0]

    reported = []
    shared = SharedStudy(place, terms())
    shared.run(3, moody, lambda study, trial: reported.append((trial.state, trial.reason)))
    assert reported == [("failed", "bad weather"), ("complete", "")] * 3


@pytest.mark.parametrize("sampler", ["random", "grid", "bruteforce"])
def test_SharedStudy_tries_a_stopped_trial_first(place, sampler):
    """The default above all, beside which the others are judged; of a grid no value is left out."""
    shared = SharedStudy(place, terms(space=FEW, sampler=sampler))

    def stopped_at(turn):
        yield from range(turn)
        raise KeyboardInterrupt

    for turn in (0, 2):  # the default, and the second of others
        left = stopped_at(turn)
        with pytest.raises(KeyboardInterrupt):
            shared.run(1000, lambda values, step: [next(left)], nothing)  # noqa: B023
    shared.run(10, lambda values, step: [values["method.x"]], nothing)
    first, default, _, other, again, *_ = shared.read_study().trials
    assert (first.state, first.reason, first.params) == ("failed", "stopped", {"method.rule": "paper", "method.x": 0.5})
    assert (default.state, default.params) == ("complete", first.params)
    assert shared.read_study().default == default
    assert (other.state, again.state, again.params) == ("failed", "complete", other.params)
    if sampler != "random":
        complete = {tuple(map(str, trial.params.values())) for trial in shared.read_study().complete}
        assert len(complete) == 3 * 3


def test_SharedStudy_tells_a_default_that_failed(place):
    def fail(values, step):
        raise RunError("bad weather")

    shared = SharedStudy(place, terms())
    with pytest.raises(RunError):
        shared.run(3, fail, nothing)
    shared.try_default(values_of)
    assert shared.read_study().default.values == (0.8,)


def test_SharedStudy_refuses_another_study_of_that_name(place, monkeypatch):
    monkeypatch.setattr("mebench.tuning.study.MARK_SECONDS", 0.05)  # so long it may lack its terms
    SharedStudy(place, terms())
    SharedStudy(place, terms())
    with pytest.raises(ConfigError, match="was begun with method mean, not ststnet: choose another name with --study"):
        SharedStudy(place, terms(about={"method": "ststnet"}))
    with pytest.raises(ConfigError, match="was begun before studies noted their convention: choose another name"):
        SharedStudy(place, terms(about={"method": "mean", "convention": "strict"}))
    import optuna

    optuna.create_study(storage=place.url, study_name="foreign")
    with pytest.raises(ConfigError, match="was not made by mebench tune"):
        SharedStudy(place, records.Terms("foreign", {}, SPACE, (UP,)))


def test_SharedStudy_prunes_with_one_objective_alone(copied_databases, tmp_path):
    def stepwise(values, step):
        for i in range(4):
            step(values["method.x"] - i)
        return [values["method.x"]] * len(objectives)

    for objectives, trials in (((UP,), 12), ((UP, records.Objective("cost", "minimize")), 2)):
        shared = SharedStudy(
            StudyStorage.at_url(str(tmp_path / f"{len(objectives)}.db")), terms(objectives, sampler="random")
        )
        shared.run(trials, stepwise, nothing)
        states = {trial.state for trial in shared.read_study().trials}
        assert states == ({"complete", "pruned"} if len(objectives) == 1 else {"complete"})


def test_Study_front_is_what_no_trial_beats():
    objectives = (UP, records.Objective("cost", "minimize"))
    values = [(0.5, 3.0), (0.6, 3.0), (0.7, 9.0), (0.6, 3.0), (0.1, 1.0), (0.65, 10.0)]
    study = records.Study("s", objectives, tuple(records.Trial(i, "complete", {}, v) for i, v in enumerate(values)))
    assert [trial.number for trial in study.pareto_front()] == [2, 1, 4]
    assert study.best_trial().number == 2
    outside = records.Trial(-1, "complete", {}, (0.7, 9.0))
    assert records.Study("s", objectives, study.trials, default=outside).best_trial() == outside, (
        "it may be the best of all"
    )
    tied = records.Study(
        "s", (UP,), (records.Trial(0, "complete", {}, (0.5,)), records.Trial(1, "complete", {}, (0.5,)))
    )
    assert tied.best_trial().number == 0


def take_part(folder, seconds, trials):
    def evaluate(values, step):
        (folder / "busy").touch()
        time.sleep(seconds)
        return [values["method.x"]]

    SharedStudy(StudyStorage.at_url(str(folder / "x.db")), terms(heartbeat=1)).run(trials, evaluate, nothing)


def start(*arguments):
    process = FORK.Process(target=take_part, args=arguments)
    process.start()
    return process


def ends(process):
    process.join(120)
    return process.exitcode


def test_SharedStudy_is_shared_by_processes_of_which_one_dies(tmp_path):
    victim = start(tmp_path, 3600, 12)
    while not (tmp_path / "busy").exists():
        time.sleep(0.05)
    victim.kill()
    victim.join()
    let_pass(tmp_path / "x.db", 10)
    others = [start(tmp_path, 0.05, 12) for _ in range(3)]
    assert [ends(process) for process in others] == [0, 0, 0]
    trials = SharedStudy(StudyStorage.at_url(str(tmp_path / "x.db")), terms(heartbeat=1)).read_study().trials
    states = [trial.state for trial in trials]
    assert states.count("complete") == 12
    assert states.count("running") == states.count("waiting") == 0
    (killed,) = (trial for trial in trials if trial.state == "failed")
    (again,) = (trial for trial in trials if trial.retry_of is not None)
    assert (again.retry_of, again.params, again.state) == (killed.number, killed.params, "complete")


def let_pass(file, seconds):
    """All signs of life are as much older, as if a test had waited."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, ?)", (f"-{seconds} seconds",))


def test_SharedStudy_notices_a_process_killed_at_once(place, tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.tuning.study.time", SimpleNamespace(sleep=lambda _: let_pass(tmp_path / "x.db", 1)))
    shared = SharedStudy(place, terms(heartbeat=1))
    storage = optuna.storages.RDBStorage(place.url)
    storage.create_new_trial(storage.get_study_id_from_name("study"))
    shared.run(2, values_of, nothing)
    assert [trial.state for trial in shared.read_study().trials] == ["complete", "failed", "complete"]
    assert shared.read_study().trials[2].retry_of == 1


def test_SharedStudy_is_created_by_several_processes(tmp_path):
    processes = [start(tmp_path, 0, 6) for _ in range(3)]
    assert [ends(process) for process in processes] == [0, 0, 0]
    study = SharedStudy(StudyStorage.at_url(str(tmp_path / "x.db")), terms()).read_study()
    assert len(study.complete) == 6, "the processes take turns"
    drawn = [json.dumps(trial.params) for trial in study.trials]
    assert len(set(drawn)) > 3, "no two processes draw alike"
