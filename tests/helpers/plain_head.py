"""The convolutions along time that ABPN and AUW-GCN share, read plainly: with sums alone."""

from torch.nn import functional as F


def drawn_statistics(weights):
    """Normalisations of 1 and 0 would show nothing."""
    for tensor in weights.values():
        if tensor.dim() == 1:
            tensor.uniform_(0.1, 1)


def normalised(x, weights, name):
    """By running statistics; channels last."""
    parts = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (weights[f"{name}.{part}"] for part in parts)
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def along(x, kernel, apart):
    """A convolution along time, of (N, T, channels): the sum over the kernel's places, which lie `apart`; zeros beyond both ends."""
    size, t = kernel.shape[2], x.shape[1]
    x = F.pad(x, (0, 0, apart * (size // 2), apart * (size // 2)))
    return sum(x[:, apart * i : apart * i + t] @ kernel[:, :, i].T for i in range(size))


def head(y, weights):
    """(N, T, channels) to (N, 10, T)."""
    for i, apart in ((0, 1), (3, 1), (6, 2)):
        y = normalised(along(y, weights[f"layers.{i}.weight"], apart), weights, f"layers.{i + 1}").relu()
    return along(y, weights["layers.9.weight"], 2).transpose(1, 2)
