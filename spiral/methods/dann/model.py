r"""Domain-adversarial networks (Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016; thesis 5).

Features G_f(x) lead to a label predictor G_y and, through a reversal of the gradient, to a domain classifier G_d. With
the domains d = 0 (source, whose labels are known) and d = 1 (target, whose are not) the three seek a saddle point:

    E(θ_f, θ_y, θ_d) = 1/n Σ_source L_y − λ (1/n Σ_source L_d + 1/n' Σ_target L_d)                        (5.3.7)
    (θ_f, θ_y) = argmin E,   θ_d = argmax E                                                               (5.3.8)

Everyone descends L_y + L_d, with the gradient of L_d times −λ where it enters G_f (5.3.9). Below that, G_d learns with
λ = 1 (thesis 5.4.2). The shallow form has one hidden layer of sigmoids and linear G_y and G_d (5.3.1–5.3.6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.section import Section


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(features: Tensor, strength: float) -> Tensor:
    """The features; going back, their gradient is multiplied by −strength."""
    reversed_features: Tensor = _Reversal.apply(features, strength)  # type: ignore[no-untyped-call]
    return reversed_features


def reversal_strength(progress: float) -> float:
    """λ_p = 2 / (1 + e^(−10 p)) − 1, from 0 to 1 (thesis 5.4.2)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


def annealed(rate: float, progress: float) -> float:
    """μ_p = μ_0 / (1 + 10 p)^0.75, for the published μ_0 = 0.01 (thesis 5.4.2)."""
    return float(rate / (1 + 10 * progress) ** 0.75)


@dataclass(frozen=True)
class Layout:
    """One of the thesis's networks (figure 5.3).

    Attributes:
        size: of the pictures, in pixels.
        convolutions: of G_f: side of the kernel, channels, and the side and stride of the maximum after it.
        padded: whether a convolution keeps the size.
        labels, domains: widths of the hidden layers of G_y and G_d.
        dropout: in G_y.
        norm_limit: what the weights of any unit are held under, by their ℓ2 norm.
    """

    size: int
    convolutions: tuple[tuple[int, int, int, int], ...]
    padded: bool
    labels: tuple[int, ...]
    domains: tuple[int, ...]
    dropout: float = 0.0
    norm_limit: float = math.inf


LayoutName = Literal["mnist", "svhn", "gtsrb"]
LAYOUTS: dict[LayoutName, Layout] = {
    "mnist": Layout(28, ((5, 32, 2, 2), (5, 48, 2, 2)), False, (100, 100), (100,)),
    "svhn": Layout(32, ((5, 64, 3, 2), (5, 64, 3, 2), (5, 128, 1, 1)), True, (3072, 2048), (1024, 1024), 0.5, 4.0),
    "gtsrb": Layout(40, ((5, 96, 2, 2), (3, 144, 2, 2), (5, 256, 2, 2)), False, (512,), (1024, 1024)),
}


class NetworkOptions(Section):
    """Which of the thesis's networks, how wide, and whether it normalises.

    `width` multiplies all widths, so that the larger networks fit two cores. `normalized` puts batch normalisation
    after each convolution of G_f, which the thesis does not.
    """

    network: LayoutName = "mnist"
    width: float = Field(default=1.0, gt=0, le=4)
    normalized: bool = True

    @property
    def layout(self) -> Layout:
        """The network's layers."""
        return LAYOUTS[self.network]

    def wide(self, width: int) -> int:
        """How many units there are where the thesis has `width`."""
        return max(1, round(self.width * width))


class Extractor(nn.Module):
    """G_f: pictures [N, 3, size, size] in [0, 1] to features [N, outputs], once their mean is subtracted.

    While it learns, each channel of the last convolution is left out with the probability `dropped`.
    """

    mean: Tensor

    def __init__(self, options: NetworkOptions, mean: Tensor | None = None, dropped: float = 0.0) -> None:
        super().__init__()
        layout = options.layout
        self.register_buffer("mean", torch.full((3, 1, 1), 0.5) if mean is None else mean.clone())
        layers: list[nn.Module] = []
        channels = 3
        for kernel, published, pool, stride in layout.convolutions:
            wide = options.wide(published)
            layers.append(nn.Conv2d(channels, wide, kernel, padding=kernel // 2 if layout.padded else 0))
            if options.normalized:
                layers.append(nn.BatchNorm2d(wide))
            if pool > 1:
                layers.append(nn.MaxPool2d(pool, stride))
            layers.append(nn.ReLU())  # after the maximum, which gives the same and has less to do
            channels = wide
        self.layers = nn.Sequential(*layers, nn.Dropout2d(dropped), nn.Flatten())
        with torch.no_grad():
            blank = torch.zeros(1, 3, layout.size, layout.size)
            self.outputs = int(self.layers.eval()(blank).shape[1])
        self.train()

    def forward(self, pictures: Tensor) -> Tensor:
        """Features, [N, outputs]."""
        features: Tensor = self.layers(pictures - self.mean)
        return features


def perceptron(inputs: int, widths: tuple[int, ...], outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Hidden layers of ReLU and a linear one; its last layer alone makes the logits of what is before it."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def domain_classifier(options: NetworkOptions, inputs: int) -> nn.Sequential:
    """G_d: features to the log-odds of the target domain, [N, 1].

    The thesis has two outputs and a softmax, which is the same with their difference.
    """
    return perceptron(inputs, tuple(options.wide(width) for width in options.layout.domains), 1)


def label_predictor(options: NetworkOptions, inputs: int, classes: int) -> nn.Sequential:
    """G_y: features to logits, [N, classes]."""
    hidden = tuple(options.wide(width) for width in options.layout.labels)
    return perceptron(inputs, hidden, classes, options.layout.dropout)


class DomainAdversarial(nn.Module):
    """G_f, G_y and G_d.

    Args:
        extractor: G_f, to features [N, D].
        labels: G_y, from features to logits [N, classes].
        domains: G_d, from features to the log-odds of the target domain [N, 1].
    """

    def __init__(self, extractor: nn.Module, labels: nn.Sequential, domains: nn.Module) -> None:
        super().__init__()
        self.extractor, self.labels, self.domains = extractor, labels, domains

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits of the labels, [N, classes]."""
        logits: Tensor = self.labels(self.extractor(pictures))
        return logits

    def losses(
        self, labelled: Tensor, labels: Tensor, source: int, target: Tensor | None, strength: float
    ) -> tuple[Tensor, Tensor]:
        """L_y and L_d, to be descended together; L_d is zero without a target.

        Each domain goes through G_f by itself, so that batch normalisation takes from each what its pictures share;
        what is seen later is normalised by the mean of both.

        Args:
            labelled: [n, …], first those of the source.
            labels: what they show, int64 [n].
            source: how many are of the source.
            target: of the other domain, unlabelled.
            strength: λ.
        """
        if target is None:
            return functional.cross_entropy(self(labelled), labels), labelled.new_zeros(())
        known, others = self.extractor(labelled[:source]), self.extractor(torch.cat((labelled[source:], target)))
        features = torch.cat((known, others))
        label_loss = functional.cross_entropy(self.labels(features[: len(labelled)]), labels)
        odds = self.domains(reverse_gradient(features, strength)).squeeze(1)
        return label_loss, domain_loss(odds[:source], odds[len(labelled) :])


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """1/n Σ_source L_d + 1/n' Σ_target L_d, from log-odds of the target domain; 2 log 2 where G_d is at a loss."""
    return functional.softplus(source).mean() + functional.softplus(-target).mean()


def deep(options: NetworkOptions, classes: int, mean: Tensor | None = None, dropped: float = 0.0) -> DomainAdversarial:
    """One of the thesis's networks for so many classes, with fresh weights."""
    extractor = Extractor(options, mean, dropped)
    labels, domains = (
        label_predictor(options, extractor.outputs, classes),
        domain_classifier(options, extractor.outputs),
    )
    return DomainAdversarial(extractor, labels, domains)


def shallow(inputs: int, hidden: int, classes: int) -> DomainAdversarial:
    """G_f(x) = σ(W x + b), G_y = softmax(V G_f + c) and G_d = σ(uᵀ G_f + z), with fresh weights (5.3.1–5.3.4)."""
    extractor = nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid())
    return DomainAdversarial(extractor, perceptron(hidden, (), classes), nn.Linear(hidden, 1))


@torch.no_grad()
def limit_norms(network: nn.Module, limit: float) -> None:
    """Shrink the weights of each unit to the ℓ2 norm `limit` at most (Srivastava et al., 2014)."""
    for weight in network.parameters():
        if weight.dim() > 1:
            weight.renorm_(2, 0, limit)
