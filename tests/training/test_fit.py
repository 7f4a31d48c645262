"""Stages are trained in order by Lightning's Trainer, and do what a plain loop does."""

from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch

from mebench.core import Stage
from mebench.errors import ConfigError, RunError
from mebench.training import Samples, fit
from mebench.training.samples import on_device
from tests.plugins.line.method import Line
from tests.plugins.line.params import Params


def planned(*stages, kind=Line, **params):
    """`line`, or a method that derives from it, with a plan."""
    method = kind(Params(**params))
    method.plan = stages
    return method


def steps(method):
    return [entry for entry in method.noted if isinstance(entry, tuple) and isinstance(entry[1], list)]


def test_fit_descends_like_a_plain_loop():
    method = planned(Stage("one", 20, 4, shuffle=False))
    fit(method, [], [])

    w = 0.0
    x = np.linspace(-1, 1, 10, dtype=np.float32)
    for _ in range(20):
        for batch in (x[:4], x[4:8], x[8:]):
            w -= 0.1 * np.mean(2 * (w * batch - (3 * batch + 1)) * batch)
    assert float(method.line.weight.detach()) == pytest.approx(w, rel=1e-5)


def test_fit_flushes_tiny_numbers_to_zero_only_while_training():
    """A weight that nothing but a penalty pulls would stay among them for good, and slow every step."""

    class Fading(Line):
        def training_step(self, batch, index):
            self.noted.append(float(torch.tensor(1e-30) * 1e-10))
            return super().training_step(batch, index)

    method = planned(Stage("one", 1, 10), kind=Fading)
    fit(method, [], [])
    assert 0.0 in method.noted
    assert float(torch.tensor(1e-30) * 1e-10) > 0


def test_fit_runs_stages_in_order_then_the_closed_form():
    method = planned(Stage("one", 2, 10), Stage("two", 3, 10))
    fit(method, [], [])
    assert [s for s, _ in steps(method)] == ["one"] * 2 + ["two"] * 3
    assert method.noted[0] == "samples one"
    assert method.noted[3] == "samples two"
    assert method.noted[-1] == ("closed form", "", False)
    assert not method.training
    assert not method.line.training


def test_fit_again_trains_in_training_mode():
    """Though it ended in evaluation mode, and Lightning leaves modes as they are."""
    modes = []
    method = planned(Stage("one", 1, 10))
    method.line.register_forward_pre_hook(lambda line, _: modes.append(line.training))
    for _ in range(2):
        fit(method, [], [])
    assert modes == [True, True]


def test_fit_without_stages_has_only_the_closed_form():
    method = planned()
    fit(method, [], [])
    assert method.noted == [("closed form", "", False)]


def test_fit_shuffles_by_the_seed_and_anew_each_epoch():
    orders = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        method = planned(Stage("one", 2, 10))
        fit(method, [], [])
        orders.append([x for _, x in steps(method)])
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][0] != orders[0][1]
    assert sorted(orders[0][0]) == sorted(orders[0][1])


def test_fit_without_shuffling_keeps_the_order():
    method = planned(Stage("one", 2, 10, shuffle=False))
    fit(method, [], [])
    first, second = (x for _, x in steps(method))
    assert first == second == sorted(first)


def test_fit_shows_validation_samples_each_epoch():
    method = planned(Stage("one", 3, 10), watched=True)
    fit(method, [], [])
    assert method.noted.count("valid one") >= 3


def test_fit_refuses_a_stage_without_samples():
    with pytest.raises(RunError, match="no samples for the stage 'one'"):
        fit(planned(Stage("one", 1, 10), n=0), [], [])


def test_fit_leaves_nothing_on_disk_and_prints_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    fit(planned(Stage("one", 1, 10)), [], [])
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_fit_trains_in_precision_asked_for_with_32_bit_weights():
    seen = []

    class Seeing(Line):
        def training_step(self, batch, index):
            seen.append(self.line(batch[0]).dtype)
            return super().training_step(batch, index)

    for precision in ("32-true", "bf16-mixed"):
        method = planned(Stage("one", 1, 10), kind=Seeing)
        fit(method, [], [], precision=precision)
        assert method.line.weight.dtype == method.line(torch.zeros(1, 1)).dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16]


def test_fit_refuses_a_precision_that_the_machine_lacks():
    with pytest.raises(ConfigError, match="precision=16-mixed is not for this machine: choose precision=bf16-mixed"):
        fit(planned(Stage("one", 1, 10)), [], [], precision="16-mixed")


def test_fit_by_two_processes_equals_one():
    """Each takes half of every batch, and the gradient is their mean."""
    one, two = (planned(Stage("one", 5, 10, shuffle=False)) for _ in range(2))
    fit(one, [], [])
    fit(two, [], [], options={"devices": 2})
    assert float(two.line.weight.detach()) == pytest.approx(float(one.line.weight.detach()), rel=1e-5) != 0


@pytest.mark.parametrize(("free", "copied"), [(1000, True), (100, False)])
def test_fit_copies_samples_to_a_gpu_once_if_they_fit(free, copied, monkeypatch):
    """A machine with a GPU in all that the code sees of it: Lightning says where it trains and leaves the network in memory."""
    gpu = torch.device("cuda", 0)
    places = []
    given = []

    class Trainer:
        precision = "32-true"
        strategy = SimpleNamespace(root_device=gpu)

        def __init__(self, **how):
            assert how["accelerator"] == "gpu"
            assert how["devices"] == 1
            assert how["deterministic"] == "warn"

        def fit(self, trained, train, **_):
            given.append(train)

    class Seeing(Line):
        def to(self, place):
            places.append(place)

    monkeypatch.setattr(L, "Trainer", Trainer)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10_000))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, place: torch.empty_like(self, device="meta"))
    fit(planned(Stage("one", 1, 10), kind=Seeing), [], [], accelerator="gpu")
    (loader,) = given
    there = {tensor.device.type for tensor in loader.dataset.tensors}
    assert (there == {"meta"}) is copied
    assert loader.pin_memory is not copied
    assert places == [gpu]


def test_on_device_copies_samples_that_fit():
    samples = Samples(torch.zeros(4, 5), torch.zeros(4))
    meta = torch.device("meta")
    fits, large = on_device(samples, meta, free=192), on_device(samples, meta, free=191)
    assert fits.tensors[0].device == fits.__getitems__([3, 1])[0].device == meta
    assert large is samples
