"""Which operations of each method are not deterministic on a GPU, as far as that shows without one.

    python tools/deterministic.py

Each method that is trained takes one step, forwards and backwards, on some drawn people, on the device `meta`, where code for GPUs is
followed and nothing is computed. The names of the operations are compared with the two lists in the documentation of
`torch.use_deterministic_algorithms`: those for which PyTorch has a deterministic form, which is slower, and those that then fail.
Printed is a table in Markdown; `docs/how_to/machines.md` holds it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.data import DataLoader

from mebench import config, runner
from mebench.config import registry
from mebench.core import LabelledVideo, Method
from mebench.testing import TINY, scratch_folder
from mebench.testing.contracts import cut_down

NO_NUMBERS = r"Cannot copy out of meta tensor|Tensor.item\(\) cannot be called on meta tensors"
SLOWER = r"convolution|replication_pad\w*_backward|index_add|index_put|index_copy|scatter_add|scatter\b"
"""Operations with a deterministic form; gathering and choosing rows become one of these backwards."""
MISSING = (
    r"_adaptive_avg_pool[23]d_backward|adaptive_max_pool2d_backward|avg_pool3d_backward|fractional_max_pool|max_unpool|"
    r"upsample_(linear|bilinear|bicubic|trilinear)\w*_backward|reflection_pad\w*_backward|nll_loss2d|_ctc_loss_backward|"
    r"_embedding_bag_dense_backward|put_$|histc|bincount|median|grid_sampler\w*_backward|cumsum|scatter_reduce"
)
"""Operations without one: under `deterministic` a fold on a GPU fails there."""


TRAINED_ON_DEMAND = {"probe"}
"""Methods whose training by gradient descent a setting asks for; as they come, they have none."""


def trained() -> list[str]:
    """The methods that are trained by gradient descent as they come."""
    found = {
        name: registry.plugin_class(info) for name, info in registry.list_plugins("method").items() if not info.broken
    }
    return [
        name
        for name, method in found.items()
        if issubclass(method, Method) and method.stages is not Method.stages and name not in TRAINED_ON_DEMAND
    ]


def fold_of(name: str, words: Sequence[str]) -> tuple[Method, list[LabelledVideo], list[LabelledVideo]]:
    """A method, and the videos of the first fold of some people: those who train, and those tested."""
    plan = runner.plan.make_plan(
        config.resolve([f"method={name}", *cut_down(registry.find_plugin("method", name)), *words])
    )
    data = plan.data
    fold = data.folds[0]
    job = runner.job.Job(
        key="",
        seed=0,
        parts=(),
        scheme=data.scheme,
        test=(),
        groups=data.groups,
        timings=data.find_timings(fold),
        cache=plan.config.cache,
    )
    method = plan.methods[0].new_method()
    views = runner.Views(job, method, data.find_home)
    train, _, test = ([views.show_labels(video) for video in side] for side in data.split_videos(fold))
    return method, train, test


class Names(TorchDispatchMode):
    """Notes the names of operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = set[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.add(func._schema.name.partition("::")[2])
        return func(*args, **(kwargs or {}))


def operations(method: Method, train: Sequence[LabelledVideo]) -> str:
    """A row of the table: the operations of a method's training that have a slower deterministic form on a GPU, and those that have none.

    The method ends on the device `meta`. Where it asks for a number, which is not there, its step is one on the processor.
    """
    batches = {}
    for stage in method.stages():
        method.stage = stage.name
        samples, _ = method.samples(stage.name, train, [])
        batches[stage.name] = next(iter(DataLoader(samples, 2, collate_fn=lambda batch: batch)))
    method.train()
    with Names() as names, mock.patch("torch.autocast", partial(autocast, torch.autocast)):
        for method.stage, batch in batches.items():
            try:
                _step(method, batch, "meta")
            except RuntimeError as error:
                if not re.search(NO_NUMBERS, str(error)):
                    raise
                _step(method.to_empty(device="cpu"), batch, "cpu")
    method.to("meta")
    found = (sorted(name for name in names.seen if re.search(which, name)) for which in (SLOWER, MISSING))
    return " | ".join(", ".join(f"`{one}`" for one in own) or "–" for own in found)


def _step(method: Method, batch: Any, device: str) -> None:
    there = tree_map(lambda part: part.to(device) if isinstance(part, torch.Tensor) else part, batch)
    method.to(device).training_step(there, 0).backward()


def autocast(plain: Any, kind: str, **how: Any) -> Any:
    """PyTorch's, which knows no `meta`."""
    return plain("cpu" if kind == "meta" else kind, **how)


if __name__ == "__main__":
    print("| method | with a deterministic form, which is slower | without one |\n|---|---|---|")
    for name in trained():
        method, train, _ = fold_of(name, [*TINY, f"cache={scratch_folder()}"])
        print(f"| `{name}` | {operations(method, train)} |")
