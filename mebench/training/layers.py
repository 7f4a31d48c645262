"""Layers that are faster on a CPU than PyTorch's, HTNet's hierarchy, losses for uneven classes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """A weight for each class, (classes,): n / (classes that occur x samples of the class); 0 for one without samples.

    Args:
        labels: (n,) class numbers.
        classes: how many there are.
    """
    counts = torch.bincount(labels.long(), minlength=classes)
    present = counts > 0
    return torch.where(present, len(labels) / (present.sum() * counts.clamp(min=1)), 0.0)


def as_one(streams: Sequence[nn.Conv2d]) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution for several, each on its own channel: zeros between channels."""
    weight: Tensor = torch.block_diag(*(s.weight.flatten(1) for s in streams))  # type: ignore[no-untyped-call]
    biases = [s.bias for s in streams if s.bias is not None]
    return weight.view(-1, len(streams), *streams[0].kernel_size), torch.cat(biases)


def squared_error(outputs: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error of scores (n,) against labels 0 or 1; with `weights` (2,) each label has its own.

    Of several kinds, (n, kinds), the sum, so that each learns as it would alone.
    """
    kinds = 1 if y.dim() == 1 else y.shape[1]
    if weights is None:
        return F.mse_loss(outputs, y) * kinds
    class_weights = weights[y.long()]
    return (class_weights * (outputs - y).square()).sum() / class_weights.sum() * kinds


def focal_loss(logits: Tensor, y: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Mean focal loss of true classes: -(1 - p)^gamma log p.

    Here p is the probability of the true class (Lin et al. 2017, equation 5).

    Args:
        logits: (n, classes); or (n,), whose sigmoid is the probability of the label 1; or (n, kinds) of these.
        y: (n,) class numbers, or labels 0 or 1; or (n, kinds) labels, whose losses are summed over the kinds, see
            `squared_error`.
        gamma: 0 is cross-entropy.
        weights: weights of the classes, (classes,); the mean is then weighted by them.
    """
    kinds = 1 if y.dim() == 1 else y.shape[1]
    if logits.dim() == y.dim():
        logits = logits.flatten()
        y = y.flatten()
        logits = torch.stack([torch.zeros_like(logits), logits], dim=1)
    log_p = logits.log_softmax(1).gather(1, y.long()[:, None])[:, 0]
    losses = -((1 - log_p.exp()) ** gamma) * log_p
    if weights is None:
        return losses.mean() * kinds
    class_weights = weights[y.long()]
    return (class_weights * losses).sum() / class_weights.sum() * kinds


class Dropout(nn.Module):
    """Dropout from few random numbers: in small networks on a CPU their draw is a sixth of the training time.

    `nn.Dropout` draws a random number for each number of the input. Here 16 bits decide about one, p to 1 in 65,536, and for
    p = 1/2 a single bit.

    Args:
        p: probability that a number becomes zero, in [0, 1); the others are divided by 1 - p.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._cut = round(p * 2**16)

    def forward(self, x: Tensor) -> Tensor:
        """Zero each number with probability p; the same `x` in evaluation mode."""
        if not self.training or x.numel() == 0 or self._cut == 0:
            return x
        decisions = 64 if self.p == 0.5 else 4  # of one random number
        words = torch.empty(-(-x.numel() // decisions), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        if self.p == 0.5:
            shifts = torch.arange(8, dtype=torch.uint8, device=x.device)
            kept = ((words.view(torch.uint8).unsqueeze(1) >> shifts) & 1).view(-1)
        else:
            kept = words.view(torch.int16) >= self._cut - 2**15
        return x * _laid_out(kept[: x.numel()], x).to(x.dtype).mul_(1 / (1 - self._cut / 2**16))


dropout = Dropout
"""The name by which networks take it."""


def paired_conv2d(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """`F.conv2d` for few filters, such as eight.

    A processor computes sixteen of them in the same time.

    Two pixels side by side are computed as twice as many filters with a step of two; in channels_last that is the same
    memory, number by number. Without a gradient for `x` a training step takes three quarters of the time; with one, longer.

    Args:
        x: (N, C, H, W), best in channels_last; an odd number of columns in the result is computed the plain way.
        weight: (C', C, k, k).
        bias: (C',).
        padding: by zeros, on all sides.

    Returns:
        (N, C', h, w), channels_last.
    """
    filters = len(weight)
    width = x.shape[3] + 2 * padding - weight.shape[3] + 1
    if width % 2:
        return F.conv2d(x, weight, bias, padding=padding)
    pair = torch.cat([F.pad(weight, (0, 1)), F.pad(weight, (1, 0))]).contiguous(memory_format=torch.channels_last)
    maps = F.conv2d(x, pair, bias.repeat(2), stride=(1, 2), padding=padding).permute(0, 2, 3, 1)
    return maps.reshape(len(x), maps.shape[1], width, filters).permute(0, 3, 1, 2)


def _laid_out(mask: Tensor, x: Tensor) -> Tensor:
    """A flat mask in the shape and memory layout of `x`, which their product keeps."""
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        n, c, h, w = x.shape
        return mask.view(n, h, w, c).permute(0, 3, 1, 2)
    return mask.view(x.shape)


CHUNK_BYTES = 3 << 19
"""Bytes of the maps in work at a time, about the size of a core's own cache."""
WHOLE_BYTES = 4 << 20
"""Up to here a batch is worked on as a whole: each part costs a tenth of a millisecond of its own."""
LANES = 16
"""Channels of maps are filled up to a multiple of this, with which PyTorch pools twice as fast."""


def conv_relu_norm_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    norm: nn.BatchNorm2d,
    size: int,
    conv_padding: int = 0,
    pool_padding: int = 0,
) -> Tensor:
    """Maximum of each `size` x `size` window of `norm(relu(conv(x)))`; the windows do not overlap.

    A normalisation with positive weights is monotonic, so the maximum may be taken before it: then only the maximum of
    a window is normalised, and the gradient through mean and variance is linear in each pixel's value. In small
    networks, passes over the maps take more time than the convolutions; so a few samples at a time go through all
    operations while their maps are in the cache.

    Args:
        x: (N, C, H, W), best in channels_last.
        weight: weight of the convolution, (C', C, k, k).
        bias: bias of the convolution, (C',).
        norm: with weights, biases and running statistics; in evaluation mode, in mixed or half precision, without momentum
            (as while weights are averaged), and where a weight is not positive or `x` is not in the memory of the CPU,
            PyTorch's four operations are used.
        size: size of a window, and its step.
        conv_padding: padding of `x` by zeros.
        pool_padding: pool padding of the maps by minus infinity.

    Returns:
        (N, C', h, w).
    """
    exact = x.dtype == norm.weight.dtype and x.dtype in (torch.float32, torch.float64)
    momentum = norm.momentum
    plain = x.device.type != "cpu" or not exact or torch.is_autocast_enabled("cpu") or momentum is None
    if plain or not norm.training or not bool((norm.weight > 0).all()):
        maps = F.conv2d(x, weight, bias, padding=conv_padding)
        return F.max_pool2d(norm(torch.relu(maps)), size, padding=pool_padding)
    pooled, mean, variance, n = _Block.apply(  # type: ignore[no-untyped-call]
        x, weight, bias, norm.weight, norm.bias, norm.eps, size, conv_padding, pool_padding
    )
    with torch.no_grad():
        assert norm.running_mean is not None and norm.running_var is not None and momentum is not None
        norm.running_mean.lerp_(mean, momentum)
        norm.running_var.lerp_(variance * (n / max(n - 1, 1)), momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    return pooled  # type: ignore[no-any-return]


def _rows(maps: Tensor) -> Tensor:
    """(n, C, H, W) in channels_last as (n H, W C): a CPU sums long rows fastest."""
    n, c, h, w = maps.shape
    return maps.permute(0, 2, 3, 1).reshape(n * h, w * c)


def _per_channel(sums: Tensor, channels: int) -> Tensor:
    """Sums of each channel, from those of rows."""
    return sums.view(-1, channels).sum(0)


def _chunks(n: int, bytes_of_one: int) -> list[slice]:
    """Even parts of `n` samples whose maps fit the cache."""
    parts = min(n, round(n * bytes_of_one / CHUNK_BYTES)) if n * bytes_of_one > WHOLE_BYTES else 1
    return [slice(part * n // parts, (part + 1) * n // parts) for part in range(parts)]


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float, size: int,
        conv_padding: int, pool_padding: int,
    ) -> tuple[Tensor, Tensor, Tensor, int]:  # fmt: skip
        n = len(x)
        filters = weight.shape[0]
        k = weight.shape[2]
        empty = -filters % LANES
        weight = F.pad(weight, (0, 0, 0, 0, 0, 0, 0, empty)).contiguous(memory_format=torch.channels_last)
        c = filters + empty
        bias = F.pad(bias, (0, empty))
        h, w = (length + 2 * conv_padding - k + 1 for length in x.shape[2:])
        chunks = _chunks(n, c * h * w * x.element_size())
        maps = [F.conv2d(x[chunk], weight, bias, padding=conv_padding).clamp_min_(0) for chunk in chunks]
        parts = []
        counts = []
        means = []
        squares = []
        for own in maps:
            rows = _rows(own)
            count = own.numel() // c
            mean = _per_channel(rows.sum(0), c) / count
            squares.append(_per_channel((rows - mean.repeat(w)).square_().sum(0), c)[:filters])
            parts.append(F.max_pool2d_with_indices(own, (size, size), padding=(pool_padding, pool_padding)))
            means.append(mean[:filters])
            counts.append(count)
        total = sum(counts)
        shares = x.new_tensor(counts).unsqueeze(1)
        of_chunks = torch.stack(means)
        mean = (shares * of_chunks).sum(0) / total
        variance = (torch.stack(squares).sum(0) + (shares * (of_chunks - mean).square()).sum(0)) / total
        slope = torch.rsqrt(variance + eps)
        pooled = torch.cat([maxima[:, :filters] for maxima, _ in parts])
        where = torch.cat([places[:, :filters] for _, places in parts])
        standard = (pooled - mean.view(1, -1, 1, 1)) * slope.view(1, -1, 1, 1)
        ctx.save_for_backward(x, weight, where, standard, mean, slope, scale, *maps)
        ctx.padding = conv_padding
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(shift.view(1, -1, 1, 1), standard, scale.view(1, -1, 1, 1)), mean, variance, total

    @staticmethod
    @once_differentiable  # type: ignore[misc]
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, where, standard, mean, slope, scale, *maps = ctx.saved_tensors
        n = len(x)
        (_, c, h, w) = maps[0].shape
        filters = len(mean)
        of_shift = gradient.sum((0, 2, 3))
        of_scale = (gradient * standard).sum((0, 2, 3))
        # Through mean and variance each pixel gets a line in its own value, a + b y; the maxima get their gradient on top.
        steep = slope * scale
        count = n * h * w
        b = -steep * slope * of_scale / count
        a = -steep * of_shift / count - b * mean
        a_row = F.pad(a, (0, c - filters)).repeat(w)
        b_row = F.pad(b, (0, c - filters)).repeat(w)
        direct = (gradient * steep.view(1, -1, 1, 1)).permute(0, 2, 3, 1)
        where = where.permute(0, 2, 3, 1)
        of_filter = torch.arange(filters)
        wanted = [ctx.needs_input_grad[0], True, False]
        of_weight = torch.zeros_like(weight)
        of_bias = torch.zeros(c, dtype=x.dtype)
        of_x = []
        for chunk, own in zip(_chunks(n, c * h * w * x.element_size()), maps):
            rows = _rows(own)
            size = own.numel() // len(own)
            of_rows = torch.addcmul(a_row, rows, b_row)
            start = torch.arange(0, own.numel(), size).view(-1, 1, 1, 1) + of_filter
            inside = torch.add(start, where[chunk], alpha=c)
            of_rows.view(-1).scatter_add_(0, inside.reshape(-1), direct[chunk].reshape(-1))
            torch.ops.aten.threshold_backward.grad_input(of_rows, rows, 0, grad_input=of_rows)  # the rectifier's
            of_maps = of_rows.view(len(own), h, w, c).permute(0, 3, 1, 2)
            of_bias += _per_channel(of_rows.sum(0), c)  # faster than PyTorch's, which walks along each channel
            back = torch.ops.aten.convolution_backward(
                of_maps, x[chunk], weight, None, [1, 1], [ctx.padding] * 2, [1, 1], False, [0, 0], 1, wanted
            )
            of_x.append(back[0])
            of_weight += back[1]
        of_whole = torch.cat(of_x) if ctx.needs_input_grad[0] else None
        return of_whole, of_weight[:filters], of_bias[:filters], of_scale, of_shift, None, None, None, None


PATCH, SIDE = 7, 4
"""Height and width of a patch, pixels; patches along a map of 28x28."""
EXPANSION = 4


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of a map, (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each position."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ProductConv(nn.Conv2d):
    """A convolution of 3x3, padded by 1, as one matrix product: faster on maps of a few pixels and hundreds of channels."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H, W), channels last in memory."""
        near = F.unfold(x, 3, padding=1).transpose(1, 2)
        found: Tensor = F.linear(near, self.weight.flatten(1), self.bias)
        return found.view(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Attention and two layers at one position, each added to what it reads.

    The published blocks attend among the positions of a part of the map, but on every level a part holds one position: softmax over
    one key is 1, whatever query and key are. So attention is the linear map from the values, and queries and keys, whose
    gradients are 0, are left out: of 3 C inner weights 2 C inner, where inner = heads (C // heads).

    Shape: (N, C) to the same.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        inner = channels // heads * heads
        self.norm = nn.LayerNorm(channels)
        self.values = nn.Linear(channels, inner, bias=False)
        self.out = nn.Linear(inner, channels)
        self.layers = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, EXPANSION * channels), nn.GELU(), nn.Linear(EXPANSION * channels, channels)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Both steps."""
        x = self.out(self.values(self.norm(x))) + x
        return self.layers(x) + x  # type: ignore[no-any-return]


class Level(nn.Module):
    """Blocks at each position, with a position number added before them; then, except on the last level, twice the
    channels on half the map.

    Shape: (N, C, H, W) to (N, C', H / 2, W / 2), or of the last level (N, C, 1, 1).
    """

    def __init__(self, channels: int, heads: int, blocks: int, out: int | None) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1))
        self.blocks = nn.Sequential(*(Block(channels, heads) for _ in range(blocks)))
        self.merge: nn.Module = nn.Identity()
        if out is not None:
            pool = nn.MaxPool2d(3, stride=2, padding=1)
            self.merge = nn.Sequential(ProductConv(channels, out, 3), ChannelNorm(out), pool)

    def forward(self, x: Tensor) -> Tensor:
        """Blocks, then merge."""
        n, c, h, w = x.shape
        tokens = self.blocks(x.permute(0, 2, 3, 1).reshape(-1, c) + self.position)
        return self.merge(tokens.view(n, h, w, c).permute(0, 3, 1, 2))  # type: ignore[no-any-return]


class Hierarchy(nn.Module):
    """The hierarchy of HTNet (Wang et al. 2024), which CausalNet takes over: levels over 4x4, 2x2 and 1 positions of a map.

    Patches of 7x7 pixels become positions, and three levels make one of 4x4.

    Args:
        dim: channels of the first level; each next one doubles them.
        heads: heads of attention on the first level; each next one doubles them.
        blocks: on each level.

    Shape: (N, 3, 28, 28) to (N, 4 dim, 1, 1).
    """

    def __init__(self, dim: int, heads: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.dim_out = 4 * dim
        self.embed = nn.Linear(3 * PATCH * PATCH, dim)
        levels = []
        for level, n_blocks in enumerate(blocks):
            is_last = level == len(blocks) - 1
            width = dim * 2**level
            n_heads = heads * 2**level
            levels.append(Level(width, n_heads, n_blocks, None if is_last else 2 * width))
        self.levels = nn.Sequential(*levels)

    def forward(self, x: Tensor) -> Tensor:
        """The position at the top."""
        n = len(x)
        patches = x.view(n, 3, SIDE, PATCH, SIDE, PATCH).permute(0, 2, 4, 3, 5, 1)  # of a patch row, column, channel
        positions = self.embed(patches.reshape(n, SIDE, SIDE, -1)).permute(0, 3, 1, 2)
        return self.levels(positions)  # type: ignore[no-any-return]
