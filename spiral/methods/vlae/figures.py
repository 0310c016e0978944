"""Pictures of an experiment: what each ladder changes (figures 2 and 3), and arithmetic (figure 4)."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from spiral.files import written_whole
from spiral.methods.vlae.model import LadderAutoencoder
from spiral.methods.vlae.training import decoded

REACH = 3.0  # of the prior's deviations, to either side
ACROSS = 15  # values of a number of a code
GAP = 2
LEAST_TILE = 48  # pixels; smaller pictures are enlarged


def traversal(network: LadderAutoencoder, ladder: int, seed: int) -> Tensor:
    """Pictures [rows, columns, C, side, side] for codes of one ladder from −3 to 3, while the others stay as drawn.

    Codes of two numbers cover the plane; of others there is a row for each number, the rest of the ladder being 0.
    """
    layout, generator = network.layout, torch.Generator().manual_seed(seed)
    device = next(network.parameters()).device
    others = [torch.randn(layout.latents, generator=generator).to(device) for _ in range(layout.ladders)]
    line = torch.linspace(-REACH, REACH, ACROSS, device=device)
    if layout.latents == 2:
        swept = torch.cartesian_prod(line, line)
    else:
        swept = torch.einsum("ij,k->ikj", torch.eye(layout.latents, device=device), line).flatten(0, 1)
    codes = [code.expand(len(swept), -1) for code in others]
    codes[ladder] = swept
    pictures = decoded(network, codes)
    return pictures.view(-1, ACROSS, *pictures.shape[1:])


def sheet(tiles: Tensor) -> Image.Image:
    """Rows of pictures [rows, columns, C, H, W] in [0, 1], with gaps between them, enlarged where they are small."""
    framed = torch.nn.functional.pad(tiles.detach().cpu(), (0, GAP, 0, GAP), value=0.75)
    rows, columns, channels, height, width = framed.shape
    whole = framed.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    pixels = (255 * whole).round().clamp(0, 255).byte().numpy()
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    zoom = max(1, round(LEAST_TILE / height))
    return picture.resize((zoom * picture.width, zoom * picture.height), Image.Resampling.NEAREST)


def save_sheet(tiles: Tensor, path: Path) -> None:
    """Write rows of pictures [rows, columns, C, H, W] in [0, 1] as PNG."""
    with written_whole(path) as unfinished:
        sheet(tiles).save(unfinished, format="PNG")
