"""By what transfers are measured: whether a picture reads as the digit that it should be, and who is found again."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from spiral.judge import read_as
from spiral.methods.pictures import as_pixels


def grey(pictures: Tensor) -> Tensor:
    """The mean of the colours, [N, 1, H, W]."""
    return pictures.mean(1, keepdim=True)


def read_right(pictures: Tensor, labels: Tensor) -> float:
    """The share of pictures [N, 1, 32, 32] that the reader takes for the digits that they should be."""
    return read_as(as_pixels(pictures, black=-1), labels.cpu().numpy())


def nearest_read(known: Tensor, labels: Tensor, asked: Tensor, answers: Tensor) -> float:
    """The share of what is asked, [N, …], whose nearest among the known, [M, …], has its label."""
    from sklearn.neighbors import KNeighborsClassifier

    nearest = KNeighborsClassifier(1, algorithm="brute").fit(known.flatten(1).cpu().numpy(), labels.cpu().numpy())
    return float(nearest.score(asked.flatten(1).cpu().numpy(), answers.cpu().numpy()))


def ranks(probes: Tensor, gallery: Tensor, places: Tensor) -> Tensor:
    """At which place each probe [P, F] finds its own in the gallery [N, F] by the cosine, from 1, [P].

    `places` says where in the gallery its own is. Whatever is as near as its own comes before it.
    """
    similar = functional.normalize(probes, dim=1) @ functional.normalize(gallery, dim=1).T
    own = similar.gather(1, places.unsqueeze(1))
    return (similar >= own).sum(1)
