"""What `spiral fit` hands to the rewards that need it, here of networks that have learned nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from spiral.methods.dtn.reward import DtnOptions, Judges
from spiral.methods.judgement import Judgement
from spiral.methods.manifold_traversal.reward import judgement_of as traversal_judgement
from spiral.methods.meta_pose.detecting import ObjectFinder
from spiral.methods.meta_pose.reward import judgement_of as meta_pose_judgement
from spiral.methods.n4_fields.field import Dictionary
from spiral.methods.n4_fields.model import PatchNetwork
from spiral.methods.n4_fields.reward import judgement_of as n4_judgement
from spiral.methods.puppet_gan.reward import Judges as PuppetJudges
from spiral.methods.puppet_gan.reward import PuppetGanOptions
from spiral.methods.rift.reward import Judges as RiftJudges
from spiral.methods.rift.reward import RiftRewardOptions
from spiral.methods.vgg import Vgg
from spiral.methods.vlae.model import LadderAutoencoder, Layout
from spiral.methods.vlae.reward import judgement_of as vlae_judgement
from spiral.state import network_arrays


def _dtn() -> Judgement:
    options = DtnOptions(perception_width=4, width=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Judgement("dtn", network_arrays(Judges(options)), options.model_dump(mode="json"))


def _meta_pose() -> Judgement:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ObjectFinder(4)
    with torch.no_grad():
        network.camera.copy_(torch.eye(3))
        last = network.layers[-1]
        assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
        last.weight.mul_(20)
        noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        last.bias[0] -= network(noise)[0].quantile(0.98)  # so that it finds some objects in noise
    return meta_pose_judgement(network, 4)


def _vlae() -> Judgement:
    layout = Layout(side=16, width=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LadderAutoencoder(layout).eval()
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 1, 16, 16), np.uint8))
    return vlae_judgement(network, layout, noise)


def _n4_fields() -> Judgement:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PatchNetwork(3, 16, 0.05)
    codes, bits = rng.normal(0, 0.01, (32, 16)).astype(np.float32), rng.integers(256, size=(32, 32), dtype=np.uint8)
    return n4_judgement(network, Dictionary(codes, bits), np.zeros(3, np.float32), 0.05, 0.5, 4)


def _puppet_gan() -> Judgement:
    options = PuppetGanOptions(side=16, width=4, rest_size=6, values=(-0.5, 0.0, 0.5))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Judgement("puppet_gan", network_arrays(PuppetJudges(options)), options.model_dump(mode="json"))


def _traversal() -> Judgement:
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vgg = Vgg([[4], [4], [6], [6], [6]])
    return traversal_judgement(vgg, images, (np.arange(6), np.arange(6, 12)), 16, 8, 0.2)


def _rift() -> Judgement:
    options = RiftRewardOptions(side=16, width=4, blocks=1, stem=3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judges = RiftJudges(options)
        judges.get_buffer("guides_b").random_(0, 256)
    sizes = options.model_dump(include={"side", "width", "blocks", "stem"})
    return Judgement("rift", network_arrays(judges), sizes)


FITS: dict[str, Callable[[], Judgement]] = {
    "dtn": _dtn,
    "manifold_traversal": _traversal,
    "meta_pose": _meta_pose,
    "n4_fields": _n4_fields,
    "puppet_gan": _puppet_gan,
    "rift": _rift,
    "vlae": _vlae,
}
