"""Style transfer beside domain transfer (section 5.3, figure 5): a face in the style of a drawing is no drawn face.

Gatys et al. ("Image style transfer using convolutional neural networks", 2016) change a picture until a VGG network
sees the content of a photo in it, and in the statistics of its layers the style of a drawing. Figure 5 (e–f), a DTN
trained on photos restyled by the network of Johnson et al., is left out: that network is not at hand, and restyling
thousands of photos one by one takes a day.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from spiral.methods.dtn.drawn_faces import draw_faces
from spiral.methods.dtn.faces import Faces, FacesOptions
from spiral.methods.dtn.model import REAL, SIDE, as_inputs
from spiral.methods.dtn.pixels import Pixels, read_pixels
from spiral.methods.experiment import Row, Table
from spiral.methods.pictures import save_rows
from spiral.methods.vgg import Vgg, read_vgg, vgg_file
from spiral.section import Size

STYLE_AT = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_AT = "conv4_2"


class StyleOptions(FacesOptions):
    """The transfer of faces, and how many photos are restyled, at which side, in how many steps of L-BFGS."""

    restyled: Size = 6
    restyled_side: Size = Field(default=128, ge=SIDE, le=1024)
    restyling_steps: Size = 60
    style_weight: float = Field(default=1e4, gt=0)


class Style(Faces):
    """Photos restyled after one drawn face, beside what the DTN draws."""

    Options = StyleOptions
    options: StyleOptions

    def __init__(self, options: StyleOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.vgg = read_vgg(vgg_file(), (*STYLE_AT, CONTENT_AT)).to(device)
        self._restyled: Tensor | None = None

    def measure(self) -> list[Table]:
        """Whether the results are of the target domain, by D and by the nearest drawn face, and keep what f saw."""
        some = self.shown.first(self.options.restyled)
        rows: list[Row] = [
            (name, *self._likeness(some, pictures))
            for name, pictures in (
                ("photo", some.inputs()),
                ("style transfer (Gatys et al.)", shrunk(self._made())),
                ("DTN", self.dtn.transferred(some)),
            )
        ]
        columns = ("pictures", "D3", "distance of the nearest drawn face", "change of f")
        return [*super().measure(), Table("Figure 5: is it a drawn face?", columns, rows)]

    def draw(self, folder: Path) -> None:
        """Photos, each restyled, and drawn by the DTN; the drawing whose style it is comes last."""
        super().draw(folder)
        side, count = self.options.restyled_side, self.options.restyled
        photos, style = self._photos(), self._drawing().expand(len(self._photos()), -1, -1, -1)
        drawn = functional.interpolate(self.dtn.transferred(self.shown.first(count)), (side, side), mode="nearest")
        save_rows([photos, self._made(), drawn, style], folder / "style.png", black=-1)

    @torch.no_grad()
    def _likeness(self, some: Pixels, pictures: Tensor) -> tuple[float, float, float]:
        real = self.dtn.discriminator.eval()(pictures).softmax(1)[:, REAL]
        nearest = torch.cdist(pictures.flatten(1), self.target.inputs().flatten(1)).amin(1) / pictures[0].numel() ** 0.5
        changed = (self.dtn.f_of("target")(pictures) - self.dtn.f_of("source")(some.inputs())).square().mean()
        return float(real.mean()), float(nearest.mean()), float(changed)

    def _made(self) -> Tensor:
        """The restyled photos, [N, 3, side, side]; made once."""
        if self._restyled is None:
            steps, weight = self.options.restyling_steps, self.options.style_weight
            self._restyled = torch.cat(
                [restyle(photo, self._drawing(), self.vgg, steps, weight) for photo in self._photos().split(1)]
            )
        return self._restyled

    def _photos(self) -> Tensor:
        options = self.options
        found = read_pixels(options.source, "test", True, options.pictures, self.device, options.restyled_side)
        return found.first(options.restyled).inputs()

    def _drawing(self) -> Tensor:
        """The first of the drawn faces, larger."""
        return as_inputs(torch.from_numpy(draw_faces(1, self.options.restyled_side, self.seed)).to(self.device))


def restyle(photo: Tensor, drawing: Tensor, vgg: Vgg, steps: int, style_weight: float) -> Tensor:
    """A picture with the content of the photo and the style of the drawing, all [1, 3, H, W] in [−1, 1]."""
    with torch.no_grad():
        content = activations(vgg, photo)[CONTENT_AT]
        styles = {at: gram(seen) for at, seen in activations(vgg, drawing).items() if at in STYLE_AT}
    picture = photo.clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS([picture], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        seen = activations(vgg, picture)
        style = torch.stack([(gram(seen[at]) - styles[at]).square().sum() for at in STYLE_AT]).mean()
        total = (seen[CONTENT_AT] - content).square().mean() + style_weight * style
        total.backward()
        return total

    optimizer.step(loss)
    return picture.detach().clamp(-1, 1)


def gram(seen: Tensor) -> Tensor:
    """How often features meet, [C, C], of activations [1, C, H, W]: the mean of their products, by C."""
    features = seen[0].flatten(1)
    return features @ features.T / (features.shape[1] * features.shape[0])


def activations(vgg: Vgg, pictures: Tensor) -> dict[str, Tensor]:
    """What the layers that count see in pictures in [−1, 1], by their names."""
    seen: dict[str, Tensor] = vgg((pictures + 1) / 2, (*STYLE_AT, CONTENT_AT))
    return seen


def shrunk(pictures: Tensor) -> Tensor:
    """The pictures at the side of the networks."""
    return functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
