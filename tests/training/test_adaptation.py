"""Databases brought together: each way against its definition, written out with whole matrices."""

import numpy as np
import pytest
from scipy.linalg import inv, sqrtm

from mebench.errors import ConfigError
from mebench.training import adaptation
from mebench.training.adaptation import adapt_features

WAYS = ("scale", "coral", "subspace", "gfk", "tca", "tsrg", "drfs_t", "drls")
LABELS = [0, 1, 2] * 8


@pytest.fixture(autouse=True)
def four_dimensions(monkeypatch):
    monkeypatch.setattr(adaptation, "K", 4)


def databases(n=24, m=19, d=11):
    rng = np.random.default_rng(0)
    source = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    target = rng.normal(size=(m, d)) @ rng.normal(size=(d, d)) + 3
    return source, target


def z(x):
    return (x - x.mean(0)) / x.std(0)


def alike(found, expected):
    """Equal inner products of all clips, up to one factor: what a linear or a Gaussian machine sees."""
    one, other = found @ found.T, expected @ expected.T
    factor = np.trace(one) / np.trace(other)
    np.testing.assert_allclose(one, factor * other, atol=1e-8 * np.abs(one).max())


def shown(how):
    """Source and target as a way shows them, less the source's scale and mean."""
    source, target = databases()
    made = adapt_features(how, source, target, LABELS)
    return z(source), z(target), np.concatenate([(x - source.mean(0)) / source.std(0) for x in made])


@pytest.mark.parametrize("how", WAYS)
def test_adapt_features_keeps_the_length_of_source_clips(how):
    source, target = databases()
    one, other = adapt_features(how, source, target, LABELS)
    assert (one.shape, other.shape) == (source.shape, target.shape)
    length = np.linalg.norm(z(source))
    assert np.linalg.norm((one - source.mean(0)) / source.std(0)) == pytest.approx(length)
    np.testing.assert_allclose(one.mean(0), source.mean(0), atol=1e-6)
    np.testing.assert_allclose(other.mean(0), source.mean(0), atol=1e-5)


def test_adapt_features_scale_equals_mean_and_deviation():
    source, target = databases()
    source[:, 2] = target[:, 2] = 5
    one, other = adapt_features("scale", source, target)
    np.testing.assert_allclose(one, source)
    np.testing.assert_allclose(other.std(0), source.std(0), atol=1e-12)


def test_adapt_features_coral_equals_covariances_of_target():
    a, b, found = shown("coral")
    plus_one = [np.cov(x.T) + np.eye(x.shape[1]) for x in (a, b)]
    expected = a @ inv(sqrtm(plus_one[0])).real @ sqrtm(plus_one[1]).real
    factor = np.linalg.norm(a) / np.linalg.norm(expected)
    np.testing.assert_allclose(found, np.concatenate([expected, b]) * factor, atol=1e-8)


def axes(x, k=4):
    values, vectors = np.linalg.eigh(x.T @ x)
    return vectors[:, np.argsort(-values)[:k]]


def test_adapt_features_subspace_aligns_principal_axes():
    a, b, found = shown("subspace")
    p, q = axes(a), axes(b)
    alike(found, np.concatenate([a @ p @ p.T @ q, b @ q]))


def test_adapt_features_gfk_is_the_mean_over_all_subspaces():
    a, b, found = shown("gfk")
    p, q = axes(a), axes(b)
    left, cosines, right = np.linalg.svd(p.T @ q)
    theta = np.arccos(cosines)
    begin, beyond = p @ left, (q @ right.T - p @ left * cosines) / np.sin(theta)
    times = (np.arange(2000) + 0.5) / 2000
    steps = [begin * np.cos(t * theta) + beyond * np.sin(t * theta) for t in times]
    kernel = sum(step @ step.T for step in steps) / len(steps)
    clips = np.concatenate([a, b])
    one, other = found @ found.T, clips @ kernel @ clips.T

    np.testing.assert_allclose(one, other * np.trace(one) / np.trace(other), atol=1e-5 * np.abs(one).max())


def test_adapt_features_tca_keeps_components_of_its_paper():
    a, b, found = shown("tca")
    x = np.concatenate([a, b])
    n = len(a)
    m = len(b)
    kernel = x @ x.T
    side = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    centre = np.eye(n + m) - 1 / (n + m)
    matrix = inv(kernel @ np.outer(side, side) @ kernel + np.eye(n + m)) @ kernel @ centre @ kernel
    values, vectors = np.linalg.eig(matrix)
    w = vectors[:, np.argsort(-values.real)[:4]].real
    w /= np.sqrt(np.diag(w.T @ kernel @ centre @ kernel @ w))
    alike(found, kernel @ w)


@pytest.mark.parametrize("way", WAYS)
def test_adapt_features_takes_few_features(way):
    for adapted, given in zip(adapt_features(way, *databases(d=3), LABELS), databases(d=3)):
        assert adapted.shape == given.shape
        assert np.isfinite(adapted).all()


def regenerates_at_the_least_cost(a, b, aim):
    """|Z - P'Ks|² + |P'(mean of Ks - mean of Kt)|² + |P|_1: no matrix drawn nearby is lower, and nor are none and a ridge's."""
    x = np.concatenate([a, b])
    n = len(a)
    gram = x @ x.T
    delta = gram[:, :n].mean(1) - gram[:, n:].mean(1)

    def cost(p):
        return np.sum((aim.T - p.T @ gram[:, :n]) ** 2) + np.sum((p.T @ delta) ** 2) + np.abs(p).sum()

    p = adaptation.regeneration_matrix(a, b, aim)
    whole = gram[:, :n] @ gram[:, :n].T + np.outer(delta, delta)
    ridge = np.linalg.solve(whole + 0.1 * np.eye(len(x)), gram[:, :n] @ aim)
    assert cost(p) < min(cost(ridge), cost(np.zeros(p.shape)))
    rng = np.random.default_rng(1)
    for _ in range(50):
        assert cost(p) < cost(p + rng.normal(size=p.shape) * rng.choice([1e-5, 1e-4, 1e-3]))
    return gram.T @ p


def test_adapt_features_tsrg_minimises_the_cost_of_its_paper():
    a, b, found = shown("tsrg")
    np.testing.assert_allclose(found[: len(a)], a, atol=1e-9)  # the source stays
    np.testing.assert_allclose(regenerates_at_the_least_cost(a, b, a)[len(a) :], found[len(a) :], atol=1e-6)


def test_adapt_features_drls_minimises_the_cost_of_its_program():
    a, b, found = shown("drls")
    classes = np.eye(3)[LABELS]
    alike(found, regenerates_at_the_least_cost(a, b, classes))


def test_adapt_features_drls_gives_each_class_its_clips():
    """Databases that differ by a factor and an offset: the regenerated clips of a class lie together."""
    rng = np.random.default_rng(2)
    centres = 4 * rng.normal(size=(3, 30))
    source = centres[LABELS] + rng.normal(size=(24, 30))
    target = 3 * (centres[LABELS] + rng.normal(size=(24, 30))) + 7

    one, other = adapt_features("drls", source, target, LABELS)

    means = np.stack([one[np.array(LABELS) == label].mean(0) for label in range(3)])
    nearest = np.linalg.norm(other[:, None] - means, axis=2).argmin(1)
    np.testing.assert_array_equal(nearest, LABELS)
    assert np.linalg.matrix_rank(one - one.mean(0)) <= 3


def test_adapt_features_drls_asks_for_classes():
    with pytest.raises(ConfigError, match="needs one class number for each training clip"):
        adapt_features("drls", *databases())


def test_adapt_features_drfs_t_is_tsrg_with_databases_exchanged():
    """As the public program calls it: `IALM_TSRG(Y_te, Y_s, ...)`, then trains on `P' * Kt` and tests on `Y_te` itself."""
    a, b, found = shown("drfs_t")
    of_target = np.concatenate([b, a]) @ a.T
    alike(found, np.concatenate([of_target.T @ adaptation.regeneration_matrix(b, a, b), b]))
    assert np.abs(found[: len(a)] - a).max() > 0.01


@pytest.mark.parametrize("method", ["flow_svm", "optical_strain"])
def test_make_plan_refuses_adaptation_within_one_database(method):
    from mebench.config import resolve
    from mebench.runner import make_plan

    words = [f"method={method}", "dataset=synthetic", "dataset.preset=tiny", "adaptation=tca"]
    with pytest.raises(ConfigError, match="this run spots, or trains and tests on one database: choose") as error:
        make_plan(resolve(words))
    assert "\n" not in str(error.value)
