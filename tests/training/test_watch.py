"""Held-out subjects are watched while a method trains: their classes are scored, and nothing that is learnt changes."""

import numpy as np
import pytest
import torch
from mebench.methods.ststnet import method as ststnet
from sklearn.metrics import f1_score, recall_score
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Timing
from mebench.features.maps import ONSET_APEX
from mebench.training import fit
from tests.plugins.dropper.method import TASK, Dropper
from tests.plugins.dropper.params import Params


def dropper(watched=True):
    return Dropper(Params(watched))


def test_fit_scores_each_epoch_over_batches_and_shown_classes():
    method = dropper()
    fit(method, [], [])
    epochs = method.history.list_epochs()
    assert [(e.stage, e.epoch, e.split) for e in epochs] == [("naming", n, "valid") for n in range(4)]
    assert len({e.uf1 for e in epochs}) > 1
    for e in epochs:
        truth, answered = zip(*method.answers[e.epoch])
        assert len(truth) == 15  # in two batches
        assert e.uf1 == pytest.approx(f1_score(truth, answered, labels=[0, 1], average="macro"))
        assert e.uar == pytest.approx(recall_score(truth, answered, labels=[0, 1], average="macro"))
        assert np.isnan(e.loss)
        assert e.accuracy is None


@pytest.mark.parametrize("answer", [lambda scores, truth: None, F.cross_entropy], ids=["nothing", "a loss"])
def test_fit_scores_no_other_answer_of_a_validation_step(answer):
    method = dropper()
    method.answer = answer
    fit(method, [], [])
    assert method.answers
    assert method.history.list_epochs() == []


def clips_of(subject, n):
    """A video of `n` clips with maps of noise."""
    maps = torch.rand(n, 28, 28, 3, generator=torch.Generator().manual_seed(subject)).mul(255).numpy()
    expressions = tuple(Expression(i, i, apex=i) for i in range(n))
    labels = tuple((i + subject) % 3 for i in range(n))
    timing = Timing(100.0, 10, {"micro": 3})
    subject = SubjectKey("d", str(subject))

    def clip(chain, onset, apex, offset):
        assert chain == ONSET_APEX
        return maps[apex]

    return LabelledVideo(f"{subject}/v", subject, 100.0, n, timing, None, clip, expressions, labels)


def trained_ststnet(valid):
    torch.manual_seed(7)
    method = ststnet.STSTNet(ststnet.STSTNet.Params(epochs=3, batch_size=4, shuffle=True, lr=1e-3), TASK)
    fit(method, [clips_of(1, 9)], valid)
    return method


def trained_dropper(watched):
    method = dropper(watched)
    fit(method, [], [])
    return method


@pytest.mark.parametrize(
    "trained",
    [trained_dropper, lambda watched: trained_ststnet([clips_of(2, 5)] if watched else [])],
    ids=["a method", "ststnet"],
)
def test_fit_learns_the_same_without_validation_step(trained):
    watched = trained(watched=True)
    dice = torch.get_rng_state()
    alone = trained(watched=False)

    assert watched.history.list_epochs()
    assert not alone.history.list_epochs()
    assert all(
        torch.equal(mine, theirs) for mine, theirs in zip(watched.state_dict().values(), alone.state_dict().values())
    )
    assert torch.equal(dice, torch.get_rng_state())


def test_ststnet_notes_loss_and_scores_of_held_out_clips():
    valid = clips_of(2, 5)
    method = trained_ststnet([valid])
    epochs = method.history.list_epochs()
    assert [(e.stage, e.epoch, e.split) for e in epochs] == [("recognition", n, "valid") for n in range(3)]
    probabilities = method.classify(valid.clips())
    truth = np.array(valid.labels)
    predicted = probabilities.argmax(1)
    assert epochs[-1].uf1 == pytest.approx(f1_score(truth, predicted, average="macro"))  # nothing is learnt after it
    assert epochs[-1].accuracy == pytest.approx((truth == predicted).mean())
    assert epochs[-1].loss == pytest.approx(-np.log(probabilities[range(5), truth]).mean(), rel=1e-5)
    assert trained_ststnet([clips_of(2, 0)]).history.list_epochs() == []  # held out, but without a clip
