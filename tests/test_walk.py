"""The way of a setting through the house, which a reader follows by going from each name to its definition."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_FILES = 25
CLI, API, CONFIG, RUNNER = "mebench/cli", "mebench/api", "mebench/config", "mebench/runner"
WAY_OF_EPOCHS = (
    (f"{CLI}/run.py", "run_command", "run", f"{API}/run_results.py"),
    (f"{API}/run_results.py", "run", "resolve", f"{CONFIG}/resolving.py"),
    # words become flat values
    (f"{CONFIG}/resolving.py", "resolve", "read_layers", f"{CONFIG}/resolving.py"),
    (f"{CONFIG}/resolving.py", "read_layers", "layers_of", f"{CONFIG}/sources.py"),
    (f"{CONFIG}/sources.py", "layers_of", "settings_of", f"{CONFIG}/sources.py"),
    # the plugin says of which type each value is
    (f"{CONFIG}/resolving.py", "resolve", "plugin_sections", f"{CONFIG}/sections.py"),
    (f"{CONFIG}/sections.py", "plugin_sections", "_plugin_section", f"{CONFIG}/sections.py"),
    (f"{CONFIG}/sections.py", "_plugin_section", "params_class", f"{CONFIG}/registry.py"),
    (f"{CONFIG}/registry.py", "params_class", "Params", "methods/ststnet/params.py"),
    ("methods/ststnet/params.py", "Params", "TrainedMapParams", "mebench/features/maps.py"),
    ("mebench/features/maps.py", "TrainedMapParams", "epochs", "methods/ststnet/params.py"),
    # flat values become the configuration
    (f"{CONFIG}/resolving.py", "resolve", "_configuration", f"{CONFIG}/resolving.py"),
    (f"{CONFIG}/resolving.py", "_configuration", "_typed_values", f"{CONFIG}/resolving.py"),
    (f"{CONFIG}/resolving.py", "_typed_values", "type_values", f"{CONFIG}/typed_values.py"),
    (f"{CONFIG}/resolving.py", "_configuration", "instance", f"{CONFIG}/sections.py"),
    (f"{CONFIG}/resolving.py", "_configuration", "RunConfig", f"{CONFIG}/settings.py"),
    # the run
    (f"{API}/run_results.py", "run", "check_needs", "mebench/inspection/dataset_summary.py"),
    (f"{API}/run_results.py", "run", "execute_config", f"{API}/run_results.py"),
    (f"{API}/run_results.py", "execute_config", "execute_run", f"{RUNNER}/execute.py"),
    (f"{RUNNER}/execute.py", "execute_run", "make_plan", f"{RUNNER}/plan.py"),
    (f"{RUNNER}/plan.py", "make_plan", "Plan", f"{RUNNER}/plan.py"),
    (f"{RUNNER}/execute.py", "execute_run", "execute_all", f"{RUNNER}/execute.py"),
    (f"{RUNNER}/execute.py", "execute_all", "_compute_folds", f"{RUNNER}/execute.py"),
    (f"{RUNNER}/execute.py", "_compute_folds", "make_tasks", f"{RUNNER}/session.py"),
    # a fold, in a process of its own
    (f"{RUNNER}/session.py", "make_tasks", "fold_task", f"{RUNNER}/host.py"),
    (f"{RUNNER}/host.py", "fold_task", "WorkerTask", f"{RUNNER}/workers.py"),
    (f"{RUNNER}/host.py", "fold_task", "host_fold", f"{RUNNER}/host.py"),
    (f"{RUNNER}/host.py", "fold_task", "fold_setup", f"{RUNNER}/plan.py"),
    (f"{RUNNER}/plan.py", "fold_setup", "method_jobs", f"{RUNNER}/job.py"),
    (f"{RUNNER}/plan.py", "fold_setup", "methods", f"{CONFIG}/settings.py"),
    (f"{RUNNER}/host.py", "host_fold", "FoldHost", f"{RUNNER}/host.py"),
    (f"{RUNNER}/host.py", "FoldHost", "FoldOrder", f"{RUNNER}/job.py"),
    (f"{RUNNER}/host.py", "FoldHost", "call", "mebench/sandbox/isolation.py"),
    (f"{RUNNER}/host.py", "FoldHost", "fit_and_predict", f"{RUNNER}/fold.py"),
    # the training
    (f"{RUNNER}/fold.py", "fit_and_predict", "_fit_methods", f"{RUNNER}/fold.py"),
    (f"{RUNNER}/fold.py", "_fit_methods", "FittedMethod", f"{RUNNER}/fold.py"),
    (f"{RUNNER}/fold.py", "FittedMethod", "new_method", f"{RUNNER}/job.py"),
    (f"{RUNNER}/job.py", "new_method", "method_class", f"{RUNNER}/job.py"),
    ("methods/ststnet/method.py", "STSTNet", "MapNetwork", "mebench/training/maps.py"),
    (f"{RUNNER}/fold.py", "FittedMethod", "fit", "mebench/training/fit.py"),
    ("mebench/training/fit.py", "fit", "stages", "mebench/training/maps.py"),
    ("mebench/training/maps.py", "stages", "Stage", "mebench/core/method.py"),
    ("mebench/training/fit.py", "fit", "_train", "mebench/training/fit.py"),
    ("mebench/training/fit.py", "_train", "_options_of_stage", "mebench/training/fit.py"),
    ("mebench/training/fit.py", "_options_of_stage", "max_epochs", "mebench/training/fit.py"),
)
"""From the word `method.epochs=3` to Lightning's `Trainer(max_epochs=3)`: file, function, the name that is followed in it,
and the file that defines that name.
"""


@cache
def definitions(file):
    """The source of every function, class, field and variable of a file, by its name."""
    text = (ROOT / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}

    def lines_of(node):
        return "\n".join(lines[node.lineno - 1 : node.end_lineno])

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(lines_of(node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(lines_of(node))
        elif isinstance(node, ast.Constant) and node.value == "max_epochs":  # Lightning's own word
            found.setdefault(node.value, []).append(node.value)
    return found


def test_walk_of_epochs_goes_from_name_to_definition():
    for file, function, name, home in WAY_OF_EPOCHS:
        sources = definitions(file)[function]
        assert any(re.search(rf"\b{name}\b", source) for source in sources), (file, function, name)
        assert name in definitions(home), (name, home)


def test_walk_of_epochs_takes_few_files():
    files = set()
    for file, _, _, home in WAY_OF_EPOCHS:
        files |= {file, home}
    assert len(files) <= MOST_FILES
