"""Drawn eyes: someone's eye from the same place and in the same light, looking anywhere, so that pairs are exact.

An eye is a sphere in a slit of the skin. Its gaze turns the iris and the pupil on the sphere, in perspective, and the
lids follow it, as they do. Lengths are in R, the distance of the eye's corners, with the origin between them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from spiral.methods.deepwarp.model import HEIGHT, WIDTH

Looks = Mapping[str, Tensor]  # whatever an eye is drawn by, each [N] or [N, K]
SOFT = 0.6 / WIDTH  # the width of an edge
BALL = 0.43  # the radius of the eyeball
FIBRES = 4  # waves of the iris
GRAINS = 6  # waves of the skin
Range = tuple[float, float]
SAME_PERSON: dict[str, Range] = {
    "upper": (0.17, 0.24),
    "lower": (0.09, 0.14),
    "upper_skew": (-0.25, 0.25),
    "lower_skew": (-0.2, 0.2),
    "iris": (0.44, 0.53),
    "crease": (0.05, 0.12),
    "lashes": (0.35, 0.95),
    "skin": (0.0, 1.0),
    "hue": (0.0, 1.0),
    "iris_lightness": (0.1, 0.55),
    "redness": (0.0, 0.3),
    "follows": (0.45, 0.65),
}
SAME_SHOT: dict[str, Range] = {
    "pupil": (0.15, 0.26),
    "lightness": (0.75, 1.08),
    "light_across": (-0.3, 0.3),
    "light_down": (-0.3, 0.2),
    "warmth": (-0.06, 0.06),
    "glint_x": (-0.08, 0.08),
    "glint_y": (-0.1, -0.02),
    "glint": (0.4, 1.0),
    "noise_x": (-0.012, 0.012),
    "noise_y": (-0.012, 0.012),
}
DARK_SKIN, LIGHT_SKIN = (0.36, 0.23, 0.16), (0.95, 0.78, 0.68)
BROWN, BLUE = (0.42, 0.24, 0.10), (0.36, 0.52, 0.72)
TILT = 6.0  # degrees, the spread of the head's tilt


def random_looks(persons: int, shots: int, seed: int) -> Looks:
    """Persons, each in so many shots with another light and another tilt of the head, [persons · shots]."""
    generator = torch.Generator().manual_seed(seed)
    count = persons * shots

    def drawn(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    looks = {name: drawn(*bounds, persons).repeat_interleave(shots) for name, bounds in SAME_PERSON.items()}
    looks |= {name: drawn(*bounds, count) for name, bounds in SAME_SHOT.items()}
    looks["fibres"] = drawn(0, 6.28, persons, FIBRES).repeat_interleave(shots, 0)
    looks["grain"] = drawn(-30, 30, persons, GRAINS, 2).repeat_interleave(shots, 0)
    looks["tilt"] = TILT * torch.randn(count, generator=generator)
    return looks


def chosen(looks: Looks, indices: Tensor) -> Looks:
    """Those of the looks."""
    return {name: values[indices] for name, values in looks.items()}


def anchors(looks: Looks, gaze: Tensor) -> Tensor:
    """Feature points in R from the middle, [N, 7, 2]: corners, two on each lid, and the pupil.

    Args:
        looks: of N eyes.
        gaze: up and to the right, in degrees, [N, 2].
    """
    along = torch.tensor((-0.2, 0.2), device=gaze.device)
    upper, lower = _lids(looks, gaze, along.expand(len(gaze), 2))
    corners = torch.tensor(((-0.5, 0.0), (0.5, 0.0)), device=gaze.device).expand(len(gaze), 2, 2)
    across = along.expand(len(gaze), 2)
    lids = torch.cat((torch.stack((across, upper), -1), torch.stack((across, lower), -1)), 1)
    pupil = BALL * _axis(gaze)[:, :2].unsqueeze(1)
    return _turned(torch.cat((corners, lids, pupil), 1), looks["tilt"])


def middle(points: Tensor, looks: Looks) -> Tensor:
    """The middle of the box around feature points [N, 7, 2], as well as a detector finds it, [N, 2]."""
    box = (points.amin(1) + points.amax(1)) / 2
    return box + torch.stack((looks["noise_x"], looks["noise_y"]), 1)


def in_pixels(points: Tensor, centre: Tensor) -> Tensor:
    """Points [N, K, 2] in pixels of the region around `centre` [N, 2]."""
    half = torch.tensor((WIDTH - 1, HEIGHT - 1), device=points.device) / 2
    return (points - centre.unsqueeze(1)) * WIDTH + half


def render(looks: Looks, gaze: Tensor, centre: Tensor, margin: int = 0) -> Tensor:
    """Pictures of the eyes, [N, 3, 41, 51] in [0, 1], or larger by a margin on all sides.

    Args:
        looks: of N eyes.
        gaze: up and to the right, in degrees, [N, 2].
        centre: of the region, in R from the middle of the eye, [N, 2].
        margin: in pixels.
    """
    places = _places(centre, margin)
    u, v = _turned(places.flatten(1, 2), -looks["tilt"]).unflatten(1, places.shape[1:3]).unbind(-1)
    upper, lower = _lids(looks, gaze, u)
    opening = _inside(torch.minimum(v - upper, lower - v))
    skin = _skin(looks, u, v, upper, lower)
    ball = _ball(looks, gaze, u, v, upper)
    color = _mixed(skin, ball, opening)
    light = _value(looks["lightness"]) * (1 + _value(looks["light_across"]) * u + _value(looks["light_down"]) * v)
    warmth = torch.stack((looks["warmth"], torch.zeros_like(looks["warmth"]), -looks["warmth"]), 1)
    lit = color * light.unsqueeze(1) * (1 + warmth[..., None, None])
    return _mixed(lit, torch.ones_like(lit), _glint(looks, gaze, u, v) * opening).clamp(0, 1)


def _places(centre: Tensor, margin: int) -> Tensor:
    """Where each pixel is, in R, [N, H, W, 2]."""
    x = (torch.arange(-margin, WIDTH + margin, device=centre.device) - (WIDTH - 1) / 2) / WIDTH
    y = (torch.arange(-margin, HEIGHT + margin, device=centre.device) - (HEIGHT - 1) / 2) / WIDTH
    grid = torch.stack((x.expand(len(y), len(x)), y.unsqueeze(1).expand(len(y), len(x))), -1)
    return grid + centre[:, None, None]


def _turned(points: Tensor, degrees: Tensor) -> Tensor:
    """Points [N, K, 2], turned by [N] degrees."""
    cos, sin = (wave.unsqueeze(1) for wave in (torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()))
    x, y = points.unbind(-1)
    return torch.stack((cos * x - sin * y, sin * x + cos * y), -1)


def _axis(gaze: Tensor) -> Tensor:
    """Where the gaze goes, as unit vectors: to the right, down, and out of the picture, [N, 3]."""
    up, right = torch.deg2rad(gaze).unbind(1)
    return torch.stack((right.sin() * up.cos(), -up.sin(), right.cos() * up.cos()), 1)


def _lids(looks: Looks, gaze: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """The height of the upper and of the lower lid at places u, each as `u`; both follow a gaze up or down."""
    move = BALL * torch.deg2rad(gaze[:, 0]).sin()
    upper = (looks["upper"] + looks["follows"] * move).clamp(min=0.02)
    lower = (looks["lower"] - 0.3 * move).clamp(min=0.03)
    shape = (len(u), *[1] * (u.dim() - 1))
    along = 2 * u
    arch = (1 - along.square()).clamp(min=-0.3)
    heights = []
    for height, skew in ((-upper, looks["upper_skew"]), (lower, looks["lower_skew"])):
        heights.append(height.view(shape) * arch * (1 + skew.view(shape) * along.clamp(-1, 1)))
    return heights[0], heights[1]


def _skin(looks: Looks, u: Tensor, v: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    color = _between(DARK_SKIN, LIGHT_SKIN, looks["skin"])
    x, y = looks["grain"].unbind(-1)
    waves = (x[..., None, None] * u.unsqueeze(1) + y[..., None, None] * v.unsqueeze(1)).sin().sum(1)
    crease = _line(v - upper + _value(looks["crease"]), 0.012) * (u.abs() < 0.55)
    lashes = _line(v - upper + 0.012, 0.018) + 0.4 * _line(v - lower - 0.01, 0.012)
    socket = (-(v + 0.3).square() / 0.02).exp()
    shade = 1 + 0.012 * waves - 0.3 * crease - 0.12 * socket
    shade = shade * (1 - _value(looks["lashes"]) * (lashes * (u.abs() < 0.5)).clamp(max=1))
    return color[..., None, None] * shade.unsqueeze(1)


def _ball(looks: Looks, gaze: Tensor, u: Tensor, v: Tensor, upper: Tensor) -> Tensor:
    """The white of the eye, and iris and pupil on it."""
    depth = (BALL**2 - u.square() - v.square()).clamp(min=1e-4).sqrt()
    axis = _axis(gaze)
    forward = (torch.stack((u, v, depth), 1) * axis[..., None, None]).sum(1) / BALL
    angle = forward.clamp(-1 + 1e-6, 1 - 1e-6).acos()
    around = torch.atan2(v - _value(BALL * axis[:, 1]), u - _value(BALL * axis[:, 0]))
    shade = 1 - 0.9 * u.square() - 0.45 * (-(v - upper).clamp(min=0) / 0.05).exp()
    red = _value(looks["redness"]) * (2 * u.abs()).clamp(max=1).square()
    white = 0.93 * shade.unsqueeze(1) * torch.stack((torch.ones_like(red), 1 - red, 1 - 0.9 * red), 1)
    waves = sum(
        (n * around + phase[:, None, None]).cos()
        for n, phase in zip((3, 7, 11, 17), looks["fibres"].unbind(1), strict=True)
    )
    edge = _inside(_value(looks["iris"]) - angle, 0.05)
    rim = (-(_value(looks["iris"]) - angle).clamp(min=0) / 0.07).exp()
    tone = _value(looks["iris_lightness"]) * 2 * (1 + 0.1 * waves) * (1 - 0.6 * rim)
    iris = _between(BROWN, BLUE, looks["hue"])[..., None, None] * tone.unsqueeze(1)
    iris = iris * (1 - 0.4 * (-(v - upper).clamp(min=0) / 0.05).exp()).unsqueeze(1)
    pupil = _inside(_value(looks["pupil"]) - angle, 0.04)
    return _mixed(_mixed(white, iris, edge), torch.full_like(white, 0.03), pupil)


def _glint(looks: Looks, gaze: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The light's reflection, which moves half as far as the pupil."""
    x, y = (0.5 * BALL * _axis(gaze)[:, :2]).unbind(1)
    distance = (u - _value(x + looks["glint_x"])).square() + (v - _value(y + looks["glint_y"])).square()
    return _value(looks["glint"]) * (-distance / 0.001).exp()


def _value(values: Tensor) -> Tensor:
    return values[:, None, None]


def _inside(distance: Tensor, soft: float = SOFT) -> Tensor:
    """1 well inside of an edge and 0 well outside."""
    return (2 * distance / soft).sigmoid()


def _line(distance: Tensor, width: float) -> Tensor:
    return (-(distance / width).square()).exp()


def _between(first: tuple[float, float, float], last: tuple[float, float, float], share: Tensor) -> Tensor:
    """Colours [N, 3]."""
    low, high = torch.tensor(first, device=share.device), torch.tensor(last, device=share.device)
    return low + (high - low) * share.unsqueeze(1)


def _mixed(below: Tensor, above: Tensor, share: Tensor) -> Tensor:
    return below + (above - below) * share.unsqueeze(1)
