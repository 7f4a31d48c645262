"""ME-TST: its network read plainly, its windows against plain loops, and a training that finds what moves."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.me_tst import method as me_tst, network as net
from mebench.methods.me_tst.windows import GROUPS, IGNORED, frame_labels, in_windows, put_together, window_motion

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.features import regions
from mebench.training import fit

TIMING = Timing(30.0, 3, {"micro": 6})


def method(classes=("a", "b"), **params):
    tasks = frozenset({"spot", "recognize"} if classes else {"spot"})
    return me_tst.METST(me_tst.METST.Params(**{"window": 8, **params}), Task(tasks, ("micro",), classes))


def numbers(module):
    return sum(p.numel() for p in module.parameters())


def test_TemporalStates_has_used_parameters_of_public_network():
    """The public program's 1,249,926 hold twelve blocks twice, and in each block a normalisation of 128, that nothing goes through."""
    assert (numbers(net.StateSpace()), numbers(net.Block(0.0))) == (51_072, 51_328)
    assert numbers(net.TemporalStates(5)) == 630_593 + 5 * 65 == 1_249_926 - 12 * (51_328 + 128) - 12 * 128


def silu(x):
    return x / (1 + np.exp(-x))


def states_plainly(weights, x):
    """What a state space makes of one series, (T, 64), moment by moment."""
    both = x @ weights["inwards.weight"].T
    inner, gate = both[:, : net.WIDTH], both[:, net.WIDTH :]
    kernel, bias = weights["conv.weight"][:, 0], weights["conv.bias"]
    state = np.zeros((net.WIDTH, net.STATES))
    seen = []
    for t in range(len(x)):
        u = bias.copy()
        for back in range(4):
            if t - back >= 0:
                u += kernel[:, 3 - back] * inner[t - back]
        u = silu(u)
        chosen = weights["select.weight"] @ u
        delta = np.log1p(np.exp(weights["delta.weight"] @ chosen[: net.RANK] + weights["delta.bias"]))
        write, read = chosen[net.RANK : net.RANK + net.STATES], chosen[net.RANK + net.STATES :]
        for i in range(net.WIDTH):
            state[i] = np.exp(-delta[i] * np.exp(weights["log_decay"][i])) * state[i] + delta[i] * u[i] * write
        seen.append(weights["outwards.weight"] @ ((state @ read + weights["skip"] * u) * silu(gate[t])))
    return np.array(seen)


def normalised(x, weights, name):
    """Each moment by its own mean and variance, (T, 64)."""
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def drawn(module):
    """Its weights by name, for prediction: drawn anew, for as they begin, normalisations do nothing and states hardly matter."""
    tensors = module.eval().state_dict()
    for tensor in tensors.values():
        if tensor.dim() == 1:
            tensor.uniform_(0.1, 1)
        elif tensor.dim():
            torch.nn.init.kaiming_uniform_(tensor, a=5**0.5)  # larger ones amplify what is rounded
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}


def test_StateSpace_equals_plain_reading():
    torch.manual_seed(0)
    space = net.StateSpace().double()
    x = torch.randn(2, 7, 64, dtype=torch.float64)
    with torch.no_grad():
        np.testing.assert_allclose(space.log_decay.exp(), [range(1, net.STATES + 1)] * net.WIDTH, rtol=1e-6)
        weights = drawn(space)
        np.testing.assert_allclose(space(x), [states_plainly(weights, one) for one in x.numpy()], atol=1e-9)


@pytest.mark.parametrize("precision", [torch.float64, torch.float32], ids=str)
def test_TemporalStates_equals_plain_reading(precision):
    """In single precision the states go through compiled loops, in double through an operation for each moment."""
    torch.manual_seed(0)
    network = net.TemporalStates(3).to(precision)
    x = torch.randn(2, 10, 7, dtype=precision)
    w = drawn(network)
    scores = []
    classes = []

    for one in x.double().numpy():
        y = one.T
        for conv, norm in (("stem.0", "stem.1"), ("stem.3", "stem.4")):
            wide = np.pad(y, ((1, 1), (0, 0)))
            y = np.array([np.einsum("tc,oct->o", wide[t : t + 3], w[f"{conv}.weight"]) for t in range(len(y))])
            y = (y + w[f"{conv}.bias"] - w[f"{norm}.running_mean"]) / np.sqrt(w[f"{norm}.running_var"] + 1e-5)
            y = np.maximum(y * w[f"{norm}.weight"] + w[f"{norm}.bias"], 0)
        for i in range(12):
            name = f"blocks.{i}.states."
            inside = {key.removeprefix(name): value for key, value in w.items() if key.startswith(name)}
            change = states_plainly(inside, normalised(y, w, f"blocks.{i}.before"))
            y = y + normalised(change, w, f"blocks.{i}.after")
        scores.append(y @ w["score.weight"][0] + w["score.bias"])
        classes.append(y @ w["classes.weight"].T + w["classes.bias"])
    with torch.no_grad():
        for found, plain in zip(network(x), (scores, classes)):
            np.testing.assert_allclose(found, plain, atol=1e-5, rtol=1e-5)


def test_Scan_has_exact_gradients():
    torch.manual_seed(0)
    shapes = {"delta": (2, 5, 3), "taken": (2, 5, 3), "decay": (3, 4), "write": (2, 5, 4), "read": (2, 5, 4)}
    inputs = [torch.rand(shape, dtype=torch.float64, requires_grad=True) for shape in shapes.values()]
    assert torch.autograd.gradcheck(net.Scan.apply, inputs)


@given(st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 40), st.integers(1, 9)), st.integers(0, 99))
def test_Scan_compiled_equals_one_operation_a_moment(shape, seed):
    """In single precision beside double, which goes another way."""
    n, t, d, s = shape
    torch.manual_seed(seed)
    shapes = [(n, t, d), (n, t, d), (d, s), (n, t, s), (n, t, s)]
    exact = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    exact = [x.abs() * 40 if i in (0, 2) else x for i, x in enumerate(exact)]  # decays from 1 to nothing
    exact = [x.float().double().requires_grad_() for x in exact]
    quick = [x.detach().float().requires_grad_() for x in exact]
    weights = torch.randn(n, t, d).double()
    for inputs in (exact, quick):
        (net.Scan.apply(*inputs) * weights.to(inputs[0].dtype)).sum().backward()
    torch.testing.assert_close(net.Scan.apply(*quick).double(), net.Scan.apply(*exact), rtol=1e-4, atol=1e-5)
    for one, other in zip(quick, exact):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-4, atol=1e-4)


def test_TemporalStates_shares_blocks_between_tasks():
    torch.manual_seed(0)
    network = net.TemporalStates(3)
    x = torch.randn(2, 10, 6)
    scores, classes = network.eval()(x)
    assert scores.shape == (2, 6)
    assert classes.shape == (2, 6, 3)
    through = network.stem(x).transpose(1, 2)
    for block in network.blocks:
        through = block(through)
    torch.testing.assert_close(scores, network.score(through)[..., 0])
    torch.testing.assert_close(classes, network.classes(through))
    shares = [block.dropped for block in network.blocks]
    assert shares[:2] == [0, 0]
    assert shares[-1] == pytest.approx(0.2 * 10 / 11)


def test_groups_are_brows_mouth_and_sides_of_nose():
    named = [[regions.SIDES_OF_NOSE[i] for i in group] for group in GROUPS]
    assert named == [[18, 19, 20], [23, 24, 25], [48, 51, 54, 57], [31], [35]]


@given(st.integers(0, 40), st.sampled_from([2, 6, 8]), st.integers(0, 99))
def test_window_motion_is_motion_since_first_frame(n, window, seed):
    motion = np.random.default_rng(seed).normal(size=(n, 12, 2)).astype(np.float32)
    found = window_motion(motion, window)
    for w, part in enumerate(found):
        first = w * window // 2
        for i in range(window):
            since = motion[first : first + i].sum(0, dtype=np.float64) if i else np.zeros((12, 2))
            expected = [since[list(group)].mean(0) for group in GROUPS]
            np.testing.assert_allclose(part[:, i], np.ravel(expected), atol=1e-4)
    covered = {w * window // 2 + i for w in range(len(found)) for i in range(window)}

    assert set(range(n + 1)) <= covered
    assert len(found) == 1 or max(covered) < n + 1 + window // 2


@given(st.integers(1, 40), st.sampled_from([2, 6, 8]))
def test_put_together_undoes_in_windows(n, window):
    frames = np.arange(n)
    windows = in_windows(frames, window, -1)
    assert put_together(windows, n).tolist() == frames.tolist()
    assert set(windows.ravel().tolist()) <= {-1, *frames.tolist()}


def test_frame_labels_leave_out_onset_and_offset():
    inside, named = frame_labels(16, {Expression(21, 70): 1, Expression(91, 105): None}, 2, step=7)
    assert np.flatnonzero(inside).tolist() == [4, 5, 6, 7, 8, 9, 14]
    assert named.tolist() == [2] * 4 + [1] * 6 + [2] * 4 + [IGNORED, 2]


def moving(seed, onset, label):
    """The brows rise in expressions of the class 0, in those of 1 the mouth does."""
    motion = np.random.default_rng(seed).normal(0, 0.02, (79, 12, 1, 2)).astype(np.float16)
    motion[onset : onset + 8, (slice(8, 12) if label else slice(0, 6)), 0, 1] -= 1.0
    e = Expression(onset, onset + 15)
    return LabelledVideo(
        "d/s/" + str(seed), SubjectKey("d", "s"), 30.0, 80, TIMING, lambda _: motion, None, (e,), (label,)
    )


def test_METST_learns_to_spot_and_to_name(monkeypatch):
    monkeypatch.setattr("mebench.methods.me_tst.network.BLOCKS", 2)  # as twelve do, in a sixth of the time
    torch.manual_seed(0)
    own = method(ratio=1.0)
    train = [moving(seed, 10 + 11 * seed, seed % 2) for seed in range(4)]
    samples, _ = own.samples("states", train, [])

    x, y, named = samples.tensors
    assert x.shape[1:] == (10, 8)
    assert len(x) == 2 * int(y.any(1).sum())
    assert set(named.unique().tolist()) == {0, 1, 2}
    assert own.weights.shape == (3,)
    assert float(own.weights[2] / own.weights[0]) < 6

    own.stage = "states"
    optimizer = torch.optim.Adam(own.network.parameters(), lr=6e-3)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = own.training_step((x, y, named), 0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2

    own.eval()
    for video, label in zip(train, (0, 1, 0, 1)):
        e = video.expressions[0]
        scores = own.score_frames(video)
        assert scores.shape == (80, 1)
        assert not np.isnan(scores).any()
        assert e.onset <= int(scores.argmax()) <= e.offset
        clip = video.clip(e.onset, e.peak, e.offset)
        assert own.classify([clip])[0].argmax() == label


def fitted(monkeypatch, precision="32-true", **params):
    """The scores of a video of whom two were learnt from, by two blocks."""
    monkeypatch.setattr("mebench.methods.me_tst.network.BLOCKS", 2)
    torch.manual_seed(0)
    own = method(**{"epochs": 2, **params})
    train = [moving(seed, 10 + 11 * seed, seed) for seed in range(2)]
    fit(own, train, [], precision=precision)
    return own.score_frames(train[0])


def test_METST_learns_with_16_bits_as_with_32(monkeypatch):
    assert np.abs(fitted(monkeypatch, "bf16-mixed") - fitted(monkeypatch)).max() < 0.01


def test_METST_learns_from_batches_without_weights(monkeypatch):
    """With `outside=0` a window without an expression has none."""
    assert np.isfinite(fitted(monkeypatch, outside=0.0, batch_size=1, epochs=1)).all()


def test_loss_of_classes_equals_public_program():
    """It gives PyTorch's cross-entropy the classes as probabilities, which divides by the number of frames."""
    torch.manual_seed(0)
    own = method(spotting=0.25)
    scores = torch.randn(9, 3)
    named = torch.tensor([0, 1, 2, 2, IGNORED, 1, 2, 0, 2])
    own.weights = torch.tensor([0.5, 1.5, 6.0])
    own.stage = "states"
    even = torch.full((1, 9), 0.5)
    own.network.register_forward_hook(lambda *_: (torch.zeros(1, 9), scores[None]))  # the scores are without error

    loss, loss_of_none = (
        own.training_step((torch.randn(1, 10, 9), even, classes[None]), 0)
        for classes in (named, torch.full((9,), IGNORED))
    )

    of_program = torch.nn.functional.cross_entropy(
        scores[named != IGNORED], torch.nn.functional.one_hot(named[named != IGNORED], 3).float(), own.weights
    )
    torch.testing.assert_close(loss, 0.75 * of_program)
    assert loss_of_none == 0


def test_METST_forgets_cached_video_in_training():
    own = method().eval()
    video = moving(0, 20, 0)
    before = own.score_frames(video)
    own.stage = "states"
    batch = own.samples("states", [video], [])[0].tensors
    own.train().training_step(batch, 0).backward()
    with torch.no_grad():
        own.network.score.bias += 1
    assert (own.eval().score_frames(video) > before).all()


def test_METST_answers_by_kept_epoch_after_training(monkeypatch):
    """Though it was asked about the same video after the last one."""
    monkeypatch.setattr("mebench.methods.me_tst.network.BLOCKS", 2)
    torch.manual_seed(0)
    own = method(epochs=3)
    video = moving(0, 20, 0)
    answers = []

    def keeps_the_first():
        own.eval()
        answers.append(own.score_frames(video))
        own.train()
        return len(answers) == 1

    fit(own, [video], [], after_epoch=keeps_the_first)
    assert not np.allclose(answers[0], answers[-1])
    np.testing.assert_allclose(own.score_frames(video), answers[0], rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 7},
        {"ratio": 0},
        {"spotting": 0},
        {"outside": -1},
        {"anchor": "middle"},
        {"scales": (0.5, 1.0)},
        {"fps": 0},
    ],
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        me_tst.METST.Params(**wrong)


def test_of_authors_reads_weights_in_order_of_scheme():
    """What the program never uses is left out: a second set of blocks, and a normalisation of each block."""
    network = net.TemporalStates(5).eval()
    own = {here: theirs for theirs, here in net.PARTS.items()}
    written = {}
    for name, tensor in network.state_dict().items():
        _, number, rest = name.split(".", 2) if name.startswith("blocks.") else ("", "", name)
        part = next(here for here in sorted(own, key=len, reverse=True) if rest == here or rest.startswith(f"{here}."))
        theirs = own[part] + rest.removeprefix(part)
        written[f"blocks_spot.{number}.{theirs}" if number else theirs] = tensor
    unused = {"blocks_recog.0.norm1.weight": torch.ones(64), "blocks_spot.0.norm2.weight": torch.ones(64)}
    read = net.of_authors({**written, **unused}, ("surprise", "others", "negative", "positive"))
    again = net.TemporalStates(5).eval()
    again.load_state_dict(read)
    x = torch.randn(2, 10, 12)
    (scores, classes) = network(x)
    (own_scores, own_classes) = again(x)

    torch.testing.assert_close(scores, own_scores)
    torch.testing.assert_close(classes[..., [2, 3, 0, 1, 4]], own_classes)
