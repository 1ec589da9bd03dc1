"""The trunk of age-v1 in torch, with batch normalisation put back, and heads for training.

age-v1 is a residual network of eleven convolutions whose normalisation was folded into a scale and
an offset for each channel. :func:`from_age_v1` measures what comes out of every convolution on
pictures and turns scale and offset into a batch normalisation that does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

CLASSES: Final = 81
SEXES: Final = 2
ETHNICITIES: Final = 7

_EPSILON: Final = 1e-5
_CONVOLUTIONS: Final = (52, 47, 44, 39, 36, 28, 25, 20, 17, 9, 6)
"""Numbers of age-v1's convolutions in the order of the data; scale and offset lie at one less."""


class Block(nn.Module):
    """Two 3 × 3 convolutions around a shortcut, as in dlib.

    Where it halves the size, the shortcut is averaged and gets empty channels, and whichever of
    the two is smaller gets an empty last row and column.
    """

    def __init__(self, width: int, out: int, *, drop: float) -> None:
        super().__init__()
        halves = out != width
        stride, padding = (2, 0) if halves else (1, 1)
        self.conv1 = nn.Conv2d(width, out, 3, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(out, eps=_EPSILON)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out, eps=_EPSILON)
        self.halves = halves
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        """``[N, out, h, w]`` for ``[N, width, H, W]``."""
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        if self.halves:
            x = F.avg_pool2d(x, 2)
            x = F.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
            y = F.pad(y, (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))
        elif self.training and self.drop:
            keep = torch.rand(len(y), 1, 1, 1, device=y.device) >= self.drop
            y = y * (keep.to(y.dtype) / (1 - self.drop))
        return F.relu(x + y)


class AgeNetwork(nn.Module):
    """The trunk, its head of 81 age classes, and heads for sex and ethnicity group.

    The last two only teach the trunk to keep people apart whose ages show differently; they are
    not exported.

    Args:
        dropout: Share of the 256 features left out before the heads, in training.
        drop_path: Share of pictures for which a residual branch is left out, in training.
    """

    def __init__(self, *, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 0, bias=False)
        self.norm = nn.BatchNorm2d(64, eps=_EPSILON)
        widths = [(64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
        self.blocks = nn.Sequential(*(Block(w, out, drop=drop_path) for w, out in widths))
        self.dropout = nn.Dropout(dropout)
        self.age = nn.Linear(256, CLASSES)
        self.sex = nn.Linear(256, SEXES)
        self.ethnicity = nn.Linear(256, ETHNICITIES)

    def features(self, x: Tensor) -> Tensor:
        """``[N, 256]`` for normalised chips ``[N, 3, side, side]``."""
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 3, 2)
        mean: Tensor = self.blocks(x).mean((2, 3))
        return mean

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of age, sex and ethnicity group for normalised chips."""
        kept = self.dropout(self.features(x))
        return self.age(kept), self.sex(kept), self.ethnicity(kept)

    def pairs(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Every convolution with its normalisation, in the order of the data."""
        yield self.stem, self.norm
        for block in self.blocks:
            assert isinstance(block, Block)
            yield block.conv1, block.norm1
            yield block.conv2, block.norm2


@torch.no_grad()
def from_age_v1(path: Path, chips: Tensor, *, dropout: float, drop_path: float) -> AgeNetwork:
    """A network that answers as age-v1 does.

    Args:
        path: ``age-v1.onnx``.
        chips: Normalised chips on which the convolutions' outputs are measured, a few hundred.
        dropout: See :class:`AgeNetwork`.
        drop_path: Likewise.
    """
    stored = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load(path).graph.initializer
    }
    network = AgeNetwork(dropout=dropout, drop_path=drop_path).eval()
    for number, (conv, norm) in zip(_CONVOLUTIONS, network.pairs(), strict=True):
        conv.weight.copy_(stored[f"layer_{number}_weights"])
        norm.weight.copy_(stored[f"layer_{number - 1}_scale"].flatten())
        offset = stored[f"layer_{number - 1}_offset"].flatten()
        norm.bias.copy_(offset + norm.weight * stored[f"layer_{number}_bias"])
        norm.running_var.fill_(1 - _EPSILON)
    network.age.weight.copy_(stored["layer_1_weights"].T)
    network.age.bias.copy_(stored["layer_1_bias"])
    _measure(network, chips)
    return network


def _measure(network: AgeNetwork, chips: Tensor) -> None:
    """Give every normalisation the mean and variance of what comes in, answers unchanged."""
    seen: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        seen[norm] = (inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3)))

    hooks = [norm.register_forward_pre_hook(look) for _, norm in network.pairs()]
    network.features(chips)
    for hook in hooks:
        hook.remove()
    for norm, (mean, variance) in seen.items():
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.bias.add_(norm.weight * mean)
        norm.weight.mul_(torch.sqrt(variance + _EPSILON))
