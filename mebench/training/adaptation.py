"""Adaptation of features between training databases and an unlabelled tested one.

All ways but the last are closed form. An orthonormal basis maps a subspace back into the space of the features, which
keeps distances and inner products, so that any recognizer reads arrays of the usual shape.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError

Rows = NDArray[np.float64]
Sides = tuple[Rows, Rows]

K = 20
"""Dimensions of the subspaces of `subspace`, `gfk` and `tca`, if there are enough clips."""


def adapt_features(how: str, source: Rows, target: Rows, labels: Sequence[int] | None = None) -> Sides:
    """Both databases after adaptation.

    Each feature is first standardised within its own database. At the end all features get the source's mean and
    deviation, and one factor restores the total norm of its clips.

    Args:
        how: `scale`: standardisation only. `coral`: the source gets the target's covariances (Sun, Feng, Saenko 2016).
            `subspace`: its principal axes become those of the target (Fernando et al. 2013). `gfk`: the geodesic flow
            kernel between the subspaces (Gong et al. 2012). `tca`: transfer component analysis, linear kernel, mu = 1
            (Pan et al. 2011). `tsrg`: the target is regenerated (Zong et al. 2017), by the authors' program, linear
            kernel, lambda = mu = 1. `drfs_t`: the source is, with both databases in each other's place (Zong et al. 2018).
            `drls`: both are, as scores of the source's classes (the same program).
        source: (n, d), clips that train.
        target: (m, d), clips that are tested.
        labels: class number of each clip of the source, which `drls` alone reads.

    Raises:
        ConfigError: `drls` has no class numbers.
    """
    (a, mean, scale), (b, _, _) = _standard(source), _standard(target)
    length = np.linalg.norm(a)
    if how == "drls":
        a, b = _label_space(a, b, labels)
    else:
        a, b = _WAYS[how](a, b)
    size = length / max(float(np.linalg.norm(a)), 1e-12) * scale
    return a * size + mean, b * size + mean


def _standard(x: Rows) -> tuple[Rows, Rows, Rows]:
    """Features of mean 0 and deviation 1, with their mean and scale."""
    mean, deviation = x.mean(0), x.std(0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return (x - mean) / scale, mean, scale


def _axes(x: Rows) -> tuple[Rows, Rows]:
    """Standard deviations along the principal axes of (n, d), falling; and the axes as columns."""
    _, lengths, axes = np.linalg.svd(x, full_matrices=False)
    return lengths / np.sqrt(max(len(x) - 1, 1)), axes.T


def _coral(a: Rows, b: Rows) -> Sides:
    """Clips of the source with the covariance of the target, and those of the target."""
    for x, power in ((a, -0.5), (b, 0.5)):  # covariance plus one, to the power: 1 across all axes of the clips
        deviations, axes = _axes(x)
        a = a + (a @ axes * ((deviations**2 + 1) ** power - 1)) @ axes.T
    return a, b


def _subspaces(a: Rows, b: Rows) -> Sides:
    """The first principal axes of both sides, as columns."""
    k = min(K, len(a) - 1, len(b) - 1, a.shape[1])
    return _axes(a)[1][:, :k], _axes(b)[1][:, :k]


def _subspace(a: Rows, b: Rows) -> Sides:
    """Both sides on their own axes, those of the source turned to the target's."""
    p, q = _subspaces(a, b)
    return a @ p @ (p.T @ q) @ q.T, b @ q @ q.T


def _gfk(a: Rows, b: Rows) -> Sides:
    """Both sides under the kernel of the geodesic flow between their subspaces."""
    p, q = _subspaces(a, b)
    left, cosines, right = np.linalg.svd(p.T @ q)
    theta = np.arccos(np.clip(cosines, -1, 1))
    begin = p @ left
    beyond = q @ right.T - begin * cosines  # orthogonal to the first; of length sin(theta)
    lengths = np.linalg.norm(beyond, axis=0)
    beyond = np.divide(beyond, lengths, out=np.zeros_like(beyond), where=lengths > 1e-9)
    sinc = np.sinc(2 * theta / np.pi)
    half = np.sin(theta) * np.sinc(theta / np.pi)
    blocks = np.block([[np.diag(1 + sinc), np.diag(half)], [np.diag(half), np.diag(1 - sinc)]])
    values, vectors = np.linalg.eigh(blocks)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    basis = np.concatenate([begin, beyond], axis=1)
    return a @ basis @ root @ basis.T, b @ basis @ root @ basis.T


def _tca(a: Rows, b: Rows) -> Sides:
    """Both sides on the components that bring their means together."""
    x, n, m = np.concatenate([a, b]), len(a), len(b)
    gram = x @ x.T
    side = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    centred = gram - gram.mean(0)
    matrix = np.linalg.solve(np.outer(gram @ side, gram @ side) + np.eye(n + m), gram @ centred)
    values, vectors = np.linalg.eig(matrix)
    weights = vectors[:, np.argsort(-values.real)[: min(K, n + m - 1, x.shape[1])]].real
    weights /= np.linalg.norm(centred @ weights, axis=0)  # unit variance, as the constraint asks
    basis, to = np.linalg.qr(x.T @ weights)
    return a @ basis @ to @ basis.T, b @ basis @ to @ basis.T


def _regenerated(kept: Rows, changed: Rows) -> Rows:
    """The clips of `changed`, regenerated to look like those of `kept`."""
    return (np.concatenate([kept, changed]) @ changed.T).T @ regeneration_matrix(kept, changed, kept)


def _label_space(a: Rows, b: Rows, labels: Sequence[int] | None) -> Sides:
    """Both databases as scores of the source's classes, in the space of the features.

    The scores X X'P keep their distances and inner products as X M, where M is the root of (X'P)(X'P)'.
    """
    if labels is None:
        raise ConfigError(
            "adaptation=drls regenerates clips as their classes, and needs one class number for each training clip"
        )
    numbers = np.asarray(labels)
    one_hot = (numbers[:, None] == np.unique(numbers)).astype(np.float64)
    weights = np.concatenate([a, b]).T @ regeneration_matrix(a, b, one_hot)
    left, lengths, _ = np.linalg.svd(weights, full_matrices=False)
    root = (left * lengths) @ left.T
    return a @ root, b @ root


def regeneration_matrix(a: Rows, b: Rows, aim: Rows) -> Rows:
    """The matrix P, (n + m, c), of TSRG and DRLS: a small |Z - P'Ks|^2 + |P'(mean of Ks - mean of Kt)|^2 + |P|_1.

    It is found by the multipliers of the authors' program, whose weight grows with each step, so that it ends near the least.

    Args:
        a: (n, d), the source.
        b: (m, d), the target.
        aim: (n, c), the transpose of Z, what the source's clips become: themselves for TSRG, their classes for DRLS.
    """
    x, n = np.concatenate([a, b]), len(a)
    gram = x @ x.T
    of_source = gram[:, :n]
    delta = gram[:, :n].mean(1) - gram[:, n:].mean(1)
    values, vectors = np.linalg.eigh(of_source @ of_source.T + np.outer(delta, delta))
    projected_aim = of_source @ aim
    p = np.ones((len(x), aim.shape[1]))
    t = np.ones((len(x), aim.shape[1]))
    kappa = 1e-3
    for _ in range(1000):
        q = vectors @ ((vectors.T @ (projected_aim + (kappa * p + t) / 2)) / (values + kappa / 2)[:, None])
        w = q - t / kappa
        p = np.maximum(w - 1 / kappa, 0) + np.minimum(w + 1 / kappa, 0)
        if np.abs(p - q).max() < 1e-8:
            break
        t, kappa = t + kappa * (p - q), min(1e15, kappa * 1.1)
    return p


_WAYS: dict[str, Callable[[Rows, Rows], Sides]] = {
    "scale": lambda a, b: (a, b),
    "coral": _coral,
    "subspace": _subspace,
    "gfk": _gfk,
    "tca": _tca,
    "tsrg": lambda a, b: (a, _regenerated(a, b)),
    "drfs_t": lambda a, b: (_regenerated(b, a), b),
}
