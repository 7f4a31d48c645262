"""The network of ME-TST: a stem along time, and blocks of selective state spaces (Mamba) in plain PyTorch."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from . import scan

REGIONS = 5
"""Both brows, the mouth, both sides of the nose."""
DIM, STATES, WIDTH, KERNEL = 64, 64, 128, 4
RANK = math.ceil(DIM / 16)
BLOCKS = 12
MOST_DROPPED = 0.2


class Scan(torch.autograd.Function):
    """States that decay, receive input, and are read: state = exp(-delta decay) state + taken write, seen = state read.

    The states of all moments, some hundred times the inputs, are never kept but made again for the gradients. In single precision on
    a processor compiled loops do it (see `scan`), elsewhere an operation for each moment.

    Shapes: delta and taken (N, T, D), decay (D, S), write and read (N, T, S), to seen (N, T, D).
    """

    @staticmethod
    def forward(ctx: Any, delta: Tensor, taken: Tensor, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
        """The output read from the states at each moment."""
        ctx.save_for_backward(delta, taken, decay, write, read)
        if _in_loops(delta):
            found = torch.empty_like(taken, memory_format=torch.contiguous_format)
            scan.ready()[0](*_arrays(delta, taken, decay.T, write, read), found.numpy())
            return found
        seen, kept, state = torch.empty_like(taken), *_room(2, delta, decay)
        state.zero_()
        for t in range(delta.shape[1]):
            _decayed(delta[:, t], decay, kept)
            state.mul_(kept).addcmul_(taken[:, t, :, None], write[:, t, None])
            seen[:, t] = (state @ read[:, t, :, None])[..., 0]
        return seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Gradients of all five, back through time."""
        delta, taken, decay, write, read = ctx.saved_tensors
        if _in_loops(delta):
            arrays = _arrays(delta, taken, decay.T, write, read)
            of = [np.zeros_like(array) for array in arrays]
            scan.ready()[1](*arrays, *_arrays(grad), *of)
            of[2] = of[2].T
            return tuple(map(torch.from_numpy, of))
        kept, states = (_room(delta.shape[1], delta, decay) for _ in range(2))
        for t in range(len(states)):
            _decayed(delta[:, t], decay, kept[t])
            before = torch.mul(kept[t], states[t - 1], out=states[t]) if t else states[0].zero_()
            before.addcmul_(taken[:, t, :, None], write[:, t, None])
        of_delta, of_taken, of_write, of_read = (torch.empty_like(x) for x in (delta, taken, write, read))
        of_decay, of_state = torch.zeros_like(decay), _room(1, delta, decay)[0].zero_()
        for t in reversed(range(len(states))):
            of_state.addcmul_(grad[:, t, :, None], read[:, t, None])
            of_read[:, t] = (grad[:, t, None] @ states[t])[:, 0]
            of_taken[:, t] = (of_state @ write[:, t, :, None])[..., 0]
            of_write[:, t] = (taken[:, t, None] @ of_state)[:, 0]
            of_state.mul_(kept[t])
            if t:
                of_rate = torch.mul(of_state, states[t - 1], out=states[t])
                of_delta[:, t] = -torch.einsum("nds,ds->nd", of_rate, decay)
                of_decay -= torch.einsum("nds,nd->ds", of_rate, delta[:, t])
            else:
                of_delta[:, t] = 0  # there is no earlier state
        return of_delta, of_taken, of_decay, of_write, of_read


def _in_loops(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32


def _arrays(*tensors: Tensor) -> list[scan.Array]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


def _room(moments: int, delta: Tensor, decay: Tensor) -> Tensor:
    """Memory for the states of some moments, (moments, N, D, S): to write into it again takes a third of the time of
    asking for more.
    """
    return delta.new_empty(moments, len(delta), *decay.shape)


def _decayed(delta: Tensor, decay: Tensor, kept: Tensor) -> None:
    """The kept share of the previous states, (N, D, S), written to `kept`; delta (N, D)."""
    torch.mul(delta[..., None], decay, out=kept).neg_().exp_()


class StateSpace(nn.Module):
    """A selective state space (Gu and Dao 2023, arXiv 2312.00752, algorithm 2), step by step in time.

    51,072 numbers.

    Shape: (N, T, 64) to (N, T, 64).
    """

    def __init__(self) -> None:
        super().__init__()
        scan.ready()  # during planning, which may keep the compiled code; folds may not
        self.inwards = nn.Linear(DIM, 2 * WIDTH, bias=False)
        self.conv = nn.Conv1d(WIDTH, WIDTH, KERNEL, padding=KERNEL - 1, groups=WIDTH)
        self.select = nn.Linear(WIDTH, RANK + 2 * STATES, bias=False)
        self.delta = nn.Linear(RANK, WIDTH)
        self.log_decay = nn.Parameter(torch.arange(1, STATES + 1).float().log().repeat(WIDTH, 1))
        self.skip = nn.Parameter(torch.ones(WIDTH))
        self.outwards = nn.Linear(WIDTH, DIM, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The state of each moment, from the moments before it."""
        inner, gate = self.inwards(x).chunk(2, dim=-1)
        inner = F.silu(self.conv(inner.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        delta, write, read = self.select(inner).split([RANK, STATES, STATES], dim=-1)
        delta = F.softplus(self.delta(delta))
        parts = (delta, delta * inner, self.log_decay.exp(), write, read)
        with torch.autocast(x.device.type, enabled=False):  # what adds up over time does so as precisely as weights
            seen = Scan.apply(*(part.to(self.log_decay.dtype) for part in parts))  # type: ignore[no-untyped-call]
        outputs: Tensor = self.outwards((seen + self.skip * inner) * F.silu(gate))
        return outputs


class Block(nn.Module):
    """A state space between two normalisations, added to what went in; in training left out for some samples.

    51,328 numbers; the public code's blocks have one more normalisation, of 128, that is never used.

    Args:
        dropped: share of the samples that skip the block in training.
    """

    def __init__(self, dropped: float) -> None:
        super().__init__()
        self.before, self.states, self.after = nn.LayerNorm(DIM), StateSpace(), nn.LayerNorm(DIM)
        self.dropped = dropped

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 64) to the same."""
        change: Tensor = self.after(self.states(self.before(x)))
        if self.training and self.dropped:
            stays = torch.rand(len(x), 1, 1, device=x.device) >= self.dropped
            change = change * stays / (1 - self.dropped)
        return x + change


class TemporalStates(nn.Module):
    """Scores and classes of each frame of a window from the motion of five regions.

    630,593 numbers and 65 for each class: 14,592 of the stem, 615,936 of twelve blocks, 65 of the score; running statistics are
    not counted. The public program makes twelve more blocks for recognition, 617,472 numbers, and never uses them: both tasks
    go through the same ones.

    Args:
        classes: outputs of recognition, with the one for frames outside expressions.

    Shape: (N, 10, T) to (N, T), the score as a logit, and (N, T, classes).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(nn.Conv1d(2 * REGIONS, DIM, 3, padding=1), nn.BatchNorm1d(DIM), nn.ReLU()),
            *(nn.Conv1d(DIM, DIM, 3, padding=1), nn.BatchNorm1d(DIM), nn.ReLU()),
        )
        # The program reads a list that rises from 0, after an extra 0.
        shares = [MOST_DROPPED * max(i - 1, 0) / (BLOCKS - 1) for i in range(BLOCKS)]
        self.blocks = nn.ModuleList(Block(share) for share in shares)
        self.score, self.classes = nn.Linear(DIM, 1), nn.Linear(DIM, classes)
        for module in reversed(list(self.modules())):  # the parts of a state space before itself
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            if isinstance(module, StateSpace):
                nn.init.kaiming_uniform_(module.outwards.weight, a=math.sqrt(5))
                module.outwards.weight.data /= 2  # the program's square root of four layers

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and classes; while training each has its own draw of the blocks that are left out."""
        moments = self.stem(x).transpose(1, 2)
        spotted = self._through(moments)
        named = self._through(moments) if self.training else spotted
        return self.score(spotted).squeeze(-1), self.classes(named)

    def _through(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


CLASSES = ("negative", "positive", "surprise", "others")
"""The order in which the public program numbers its emotions."""
PARTS = {
    "Stem": "stem",
    "blocks_spot": "blocks",
    "norm1": "after",
    "attn.norm": "before",
    "attn.mamba.in_proj": "states.inwards",
    "attn.mamba.conv1d": "states.conv",
    "attn.mamba.x_proj": "states.select",
    "attn.mamba.dt_proj": "states.delta",
    "attn.mamba.A_log": "states.log_decay",
    "attn.mamba.D": "states.skip",
    "attn.mamba.out_proj": "states.outwards",
    "fc_spot.0": "score",
    "fc_recog.0": "classes",
}
"""Parts of the authors' network and their names here."""


def of_authors(weights: Mapping[str, Tensor], classes: Sequence[str]) -> dict[str, Tensor]:
    """The weights of the authors' program by the names that this network has, its emotions in the order of `classes`.

    Those that the program never uses are left out: its blocks for recognition, and a normalisation in each block. Weights of another
    number of emotions, or of another program, are refused by shape or name.
    """
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(PARTS, key=len, reverse=True)))})(?![\w])")
    found = {}
    for name, tensor in weights.items():
        if not name.startswith("blocks_recog.") and ".norm2." not in name:
            head, number, rest = re.fullmatch(r"(?:(blocks_spot)\.(\d+)\.)?(.*)", name).groups()  # type: ignore[union-attr]
            own = pattern.sub(lambda part: PARTS[part[0]], rest)
            found[f"blocks.{number}.{own}" if head else own] = tensor
    if set(classes) == set(CLASSES):
        rows = [*map(CLASSES.index, classes), len(CLASSES)]
        found |= {n: found[n][rows] for n in ("classes.weight", "classes.bias") if len(found.get(n, ())) == len(rows)}
    return found
