"""The networks and the losses of the domain transfer network.

(Taigman, Polyak, Wolf: "Unsupervised Cross-Domain Image Generation", 2016.) From pictures s of a source and t of a
target, none of them paired, and a function f that is fixed, it learns G = g ∘ f, which turns a picture of either kind
into one of the target for which f says the same. A ternary D tells apart what was drawn from a source picture (1), what
was drawn from a target picture (2), and target pictures (3):

    L_D    = −E_s log D₁(G(x)) − E_t log D₂(G(x)) − E_t log D₃(x)                                          (3)
    L_GANG = −E_s log D₃(G(x)) − E_t log D₃(G(x))                                                          (4)
    L_G    = L_GANG + α L_CONST + β L_TID + γ L_TV

Beyond the paper, G is also held to the kinds that f's classifier tells, where f has one, by δ L_KIND: f's activations
say much of how a kind looks in the source, which looks otherwise in the target.

A picture is float [N, C, 32, 32] in [−1, 1]. Expectations and sums over pictures are means over a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import as_pictures
from spiral.layers import lay_channels_last

SIDE = 32
TRANSFERRED, REDRAWN, REAL = range(3)  # the classes of D: G of the source, G of the target, the target itself
LEAST_SPREAD = 0.05  # of a picture, in which it is still enlarged to the spread that others have
TINY = 1e-8  # the root of equation 7 has no slope where a picture is flat


class Perception(nn.Module):
    """f: pictures, grey or of three colours, → the last convolution's activations, [N, features] (section 5.1).

    With a width of 64 it has the paper's 64, 128, 256 and 128 filters; the last ones see all 4×4 places at once, so
    that f knows what is where. Beyond the paper, layers are normalised by batches, so that they learn in minutes of a
    processor, f ends in a hyperbolic tangent, so that nothing in a picture weighs without end in L_CONST, and a picture
    counts as it differs from its mean, in units of its spread, so that bold and faint ink are seen alike.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.features = 2 * width
        widths = (3, width, 2 * width, 4 * width, 2 * width)
        layers: list[nn.Module] = []
        for before, after in zip(widths[:-2], widths[1:-1], strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)]
            layers += [nn.MaxPool2d(2), nn.ReLU()]
        last = (nn.Flatten(), nn.BatchNorm1d(self.features, affine=False), nn.Tanh())
        self.layers = nn.Sequential(*layers, nn.Conv2d(*widths[-2:], SIDE // 8), *last)
        self.apply(_begin_even)
        self.eval()
        lay_channels_last(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """f(x), [N, features], each from −1 to 1."""
        spread, mean = torch.std_mean(pictures, (1, 2, 3), correction=0, keepdim=True)
        seen: Tensor = self.layers(in_color((pictures - mean) / (spread + LEAST_SPREAD)))
        return seen


class Classifier(nn.Module):
    """What is learned to have an f: the classes of pictures, from f's activations by one layer; logits [N, classes]."""

    def __init__(self, perception: Perception, classes: int) -> None:
        super().__init__()
        self.perception = perception
        self.head = nn.Linear(perception.features, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.head(self.perception(pictures))
        return logits


class Generator(nn.Module):
    """g: f's activations [N, features] → pictures, by four deconvolutions that end in a hyperbolic tangent."""

    def __init__(self, features: int, width: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(features, 4 * width, 4, bias=False),
            *_normalized(4 * width),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
            *_normalized(2 * width),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            *_normalized(width),
            nn.ConvTranspose2d(width, channels, 4, 2, 1),
            nn.Tanh(),
        )
        self.apply(_begin_small)

    def forward(self, features: Tensor) -> Tensor:
        """g(f(x))."""
        drawn: Tensor = self.layers(features[..., None, None])
        return drawn


class Discriminator(nn.Module):
    """D: pictures → logits [N, classes], by four convolutions; three classes, or one for the baseline of section 3."""

    def __init__(self, channels: int, width: int, classes: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1, bias=False),
            *_normalized(width),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
            *_normalized(2 * width),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False),
            *_normalized(4 * width),
            nn.Conv2d(4 * width, classes, 4),
            nn.Flatten(),
        )
        self.apply(_begin_small)

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.layers(pictures)
        return logits


def discriminator_loss(transferred: Tensor, redrawn: Tensor, real: Tensor) -> Tensor:
    """L_D of equation 3, also called L_GAND, from D's logits [N, 3] of G(x_s), of G(x_t) and of x_t."""
    return -(
        _log_probability(transferred, TRANSFERRED) + _log_probability(redrawn, REDRAWN) + _log_probability(real, REAL)
    )


def deception_loss(transferred: Tensor, redrawn: Tensor) -> Tensor:
    """L_GANG of equation 4, from D's logits [N, 3] of G(x_s) and of G(x_t)."""
    return -(_log_probability(transferred, REAL) + _log_probability(redrawn, REAL))


def constancy_loss(seen: Tensor, seen_after: Tensor) -> Tensor:
    """L_CONST of equation 5: the squared difference of f(x) and f(G(x)), both [N, features]."""
    return functional.mse_loss(seen_after, seen)


def kind_loss(logits: Tensor, logits_after: Tensor) -> Tensor:
    """L_KIND = −E_s Σ_k p(k | x) log p(k | G(x)), from the logits of x and of G(x), both [N, classes]."""
    return functional.cross_entropy(logits_after, logits.softmax(1))


def identity_loss(pictures: Tensor, redrawn: Tensor) -> Tensor:
    """L_TID of equation 6: the squared difference of pictures of the target and what G makes of them."""
    return functional.mse_loss(redrawn, pictures)


def variation_loss(drawn: Tensor) -> Tensor:
    """L_TV of equation 7 with B = 1: Σ_ij √((z_{i,j+1} − z_ij)² + (z_{i+1,j} − z_ij)²), summed over the colours."""
    across = (drawn[..., :-1, 1:] - drawn[..., :-1, :-1]).square()
    down = (drawn[..., 1:, :-1] - drawn[..., :-1, :-1]).square()
    return (across + down + TINY).sqrt().sum((1, 2, 3)).mean()


def baseline_risk(transferred: Tensor, real: Tensor) -> Tensor:
    """R_GAN of equation 1, E_s log[1 − D(G(x))] + E_t log D(x), from the log-odds [N, 1] of a binary D."""
    return functional.logsigmoid(-transferred).mean() + functional.logsigmoid(real).mean()


def as_inputs(pixels: Tensor) -> Tensor:
    """Pictures as the networks take them, float [N, C, H, W] in [−1, 1], of uint8 [N, H, W, C]."""
    return 2 * as_pictures(pixels) - 1


def in_color(pictures: Tensor) -> Tensor:
    """Pictures of three colours; grey is repeated."""
    return pictures.expand(-1, 3, -1, -1)


def _log_probability(logits: Tensor, kind: int) -> Tensor:
    """E log D_kind."""
    return functional.log_softmax(logits, dim=1)[:, kind].mean()


def _normalized(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(width), nn.ReLU()


def _begin_even(layer: nn.Module) -> None:
    """First weights with which activations keep their spread from layer to layer (He et al., 2015)."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight)


def _begin_small(layer: nn.Module) -> None:
    """The first weights of DCGAN (Radford et al., 2015), in whose manner g and D are."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0, 0.02)
