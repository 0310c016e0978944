"""The losses and their gradients are the equations, and the measures of the tables are what they are called."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from spiral.methods.dann.measures import (
    aligned,
    nearest_kind,
    proxy_distance,
    share_of_gap,
    subspace_alignment,
    svm_accuracy,
)
from spiral.methods.dann.model import (
    LAYOUTS,
    DomainAdversarial,
    NetworkOptions,
    annealed,
    deep,
    domain_loss,
    limit_norms,
    reversal_strength,
    reverse_gradient,
    shallow,
)

CPU = torch.device("cpu")


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def slow_objective(
    parameters: dict[str, NDArray[np.float64]],
    source: NDArray[np.float64],
    labels: NDArray[np.int64],
    target: NDArray[np.float64],
    strength: float,
) -> tuple[float, float, float]:
    """E of (5.3.6), and its L_y and the sum of its L_d, one example after the other."""
    w, b, v, c, u, z = (parameters[name] for name in ("W", "b", "V", "c", "u", "z"))

    def hidden(x: NDArray[np.float64]) -> NDArray[np.float64]:  # (5.3.1)
        return np.array([logistic(sum(w[i, j] * x[j] for j in range(len(x))) + b[i]) for i in range(len(b))])

    def label_loss(x: NDArray[np.float64], y: int) -> float:
        powers = [math.exp(sum(v[k, i] * h for i, h in enumerate(hidden(x))) + c[k]) for k in range(len(c))]
        return -math.log(powers[y] / sum(powers))

    def domain(x: NDArray[np.float64], d: int) -> float:  # (5.3.4)
        g = logistic(sum(u[i] * h for i, h in enumerate(hidden(x))) + float(z))
        return -d * math.log(g) - (1 - d) * math.log(1 - g)

    of_labels = sum(label_loss(x, int(y)) for x, y in zip(source, labels, strict=True)) / len(source)
    of_domains = sum(domain(x, 0) for x in source) / len(source) + sum(domain(x, 1) for x in target) / len(target)
    return of_labels - strength * of_domains, of_labels, of_domains


def small_problem() -> tuple[
    DomainAdversarial, dict[str, str], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]
]:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = shallow(2, 3, 4).double()
    names = {
        "W": "extractor.0.weight",
        "b": "extractor.0.bias",
        "V": "labels.0.weight",
        "c": "labels.0.bias",
        "u": "domains.weight",
        "z": "domains.bias",
    }
    return network, names, rng.normal(size=(5, 2)), rng.integers(0, 4, 5), rng.normal(size=(7, 2)) + 0.5


def test_the_losses_and_their_gradients_are_the_equations() -> None:
    """L_y − λ L_d is E; θ_f goes down E, θ_y down L_y, and θ_d down L_d with λ = 1 (5.3.6, 5.3.9, 5.3.10)."""
    network, names, source, labels, target = small_problem()
    strength = 0.7
    label_loss, loss = network.losses(
        torch.from_numpy(source), torch.from_numpy(labels), len(source), torch.from_numpy(target), strength
    )
    own = {name: network.get_parameter(path).detach().numpy().copy() for name, path in names.items()}
    own |= {"u": own["u"][0], "z": own["z"].reshape(())}
    objective, of_labels, of_domains = slow_objective(own, source, labels, target, strength)
    assert float(label_loss.detach()) == pytest.approx(of_labels, rel=1e-9)
    assert float(loss.detach()) == pytest.approx(of_domains, rel=1e-9)
    assert float((label_loss - strength * loss).detach()) == pytest.approx(objective, rel=1e-9)

    (label_loss + loss).backward()
    for name, path in names.items():
        gradient = network.get_parameter(path).grad
        assert gradient is not None
        at = np.unravel_index(1 if own[name].size > 1 else 0, own[name].shape)
        ends = []
        for moved in (1e-6, -1e-6):
            other = {key: array.copy() for key, array in own.items()}
            other[name][at] += moved
            ends.append(slow_objective(other, source, labels, target, strength))
        of = {"W": 0, "b": 0, "V": 1, "c": 1, "u": 2, "z": 2}[name]
        expected = (ends[0][of] - ends[1][of]) / 2e-6
        assert float(gradient.reshape(own[name].shape)[at]) == pytest.approx(expected, rel=1e-4, abs=1e-8), name


def test_the_domain_classifier_alone_descends_to_the_regulariser() -> None:
    """R of (5.3.5) is a maximum over u and z, found here by SciPy; −2 log 2 where the domains are the same."""
    network, _, source, _, target = small_problem()
    hidden = [network.extractor(torch.from_numpy(x)).detach() for x in (source, target)]

    def loss(parameters: NDArray[np.float64]) -> float:
        return sum(
            float(np.logaddexp(0, sign * (h.numpy() @ parameters[:-1] + parameters[-1])).mean())
            for sign, h in zip((1, -1), hidden, strict=True)
        )

    regulariser = -float(minimize(loss, np.zeros(4), method="BFGS").fun)
    optimizer = torch.optim.LBFGS(network.domains.parameters(), max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        found = domain_loss(*(network.domains(h).squeeze(1) for h in hidden))
        found.backward()
        return found

    optimizer.step(closure)
    assert -float(closure().detach()) == pytest.approx(regulariser, abs=1e-3)
    nothing = torch.zeros(3)
    assert float(domain_loss(nothing, nothing)) == pytest.approx(2 * math.log(2))


def test_the_reversal_is_the_identity_and_turns_the_gradient() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse_gradient(x, 0.3)
    assert torch.equal(y, x)
    (y * torch.tensor([5.0, 7.0])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([-1.5, -2.1]))


def test_the_schedules_are_the_published_ones() -> None:
    assert reversal_strength(0) == 0 and reversal_strength(0.5) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert reversal_strength(1) == pytest.approx(1, abs=1e-4)
    assert annealed(0.01, 0) == 0.01 and annealed(0.01, 1) == pytest.approx(0.01 / 11**0.75)


@pytest.mark.parametrize(
    ("name", "features", "heads"),
    [
        ("mnist", 768, [(768, 100), (100, 100), (100, 10), (768, 100), (100, 1)]),
        ("svhn", 6272, [(6272, 3072), (3072, 2048), (2048, 10), (6272, 1024), (1024, 1024), (1024, 1)]),
        ("gtsrb", 1024, [(1024, 512), (512, 10), (1024, 1024), (1024, 1024), (1024, 1)]),
    ],
)
def test_the_networks_are_those_of_the_thesis(name: str, features: int, heads: list[tuple[int, int]]) -> None:
    network = deep(NetworkOptions.model_validate({"network": name, "normalized": False}), 10)
    linear = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == heads
    size = LAYOUTS[name].size  # type: ignore[index]
    assert network.extractor(torch.zeros(2, 3, size, size)).shape == (2, features)
    narrow = deep(NetworkOptions.model_validate({"network": name, "width": 0.25}), 43)
    assert narrow(torch.zeros(2, 3, size, size)).shape == (2, 43)


def test_each_domain_is_normalised_by_itself() -> None:
    """What the source looks like to G_f while it learns has nothing to do with the target in the same step."""
    network, generator = deep(NetworkOptions(width=0.1), 10), torch.Generator().manual_seed(0)
    source, labels = torch.rand(6, 3, 28, 28, generator=generator), torch.arange(6)
    found = [network.losses(source, labels, 6, level * torch.ones(4, 3, 28, 28), 1.0) for level in (0.0, 1.0)]
    assert torch.equal(found[0][0], found[1][0])


def test_whole_channels_are_left_out_while_learning_alone() -> None:
    extractor = deep(NetworkOptions(normalized=False), 10, dropped=0.5).extractor
    pictures = torch.rand(8, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    known = extractor.eval()(pictures).view(8, 48, 16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        left = extractor.train()(pictures).view(8, 48, 16)
    out = (left == 0).all(-1) & (known != 0).any(-1)
    assert 0.3 < float(out.float().sum() / (known != 0).any(-1).float().sum()) < 0.7
    torch.testing.assert_close(left[~out], 2 * known[~out])


def test_no_unit_has_more_weight_than_the_limit() -> None:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0, 0.0], [0.3, 0.4, 0.0]]))
    limit_norms(layer, 1.0)
    torch.testing.assert_close(layer.weight.detach().norm(dim=1), torch.tensor([1.0, 0.5]), atol=1e-4, rtol=0)


def test_what_lies_by_its_kind_is_nearest_to_it_in_the_median() -> None:
    painted, kinds = np.array([[0.0], [0.2], [9.0], [5.0], [5.2], [0.0]], np.float32), np.array([0, 0, 0, 1, 1, 1])
    shown = np.array([[0.0], [5.0], [5.0]], np.float32)
    assert nearest_kind(shown, np.array([0, 1, 0]), painted, kinds) == pytest.approx(2 / 3)


def test_the_proxy_distance_is_two_where_domains_are_apart_and_nothing_where_they_are_the_same() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(400, 3)).astype(np.float32) for _ in range(2))
    assert proxy_distance(a, b + 20) == 2
    assert proxy_distance(a, b) < 0.25
    # A quarter of the points lie where the other domain's do, and half of these are taken for it: ε = 1/8.
    apart = np.where(np.arange(400)[:, None] % 4 == 0, 0, 10).astype(np.float32)
    assert proxy_distance(-apart, apart) == pytest.approx(2 * (1 - 2 / 8), abs=0.12)


def test_subspace_alignment_is_that_of_skada() -> None:
    skada = pytest.importorskip("skada", reason="skada is not installed: pip install skada")
    rng = np.random.default_rng(0)
    source = rng.normal(size=(40, 5)).astype(np.float32) * (5, 4, 3, 2, 1)
    target = (rng.normal(size=(30, 5)) * (1, 2, 3, 4, 5) + 1).astype(np.float32)
    ours = aligned(source.astype(np.float32), target, target, 3)
    adapter = skada._subspace.SubspaceAlignmentAdapter(3)
    domains = np.repeat((1, -2), (40, 30))
    theirs = adapter.fit(np.concatenate((source, target)), sample_domain=domains)
    both = theirs.transform(np.concatenate((source, target)), sample_domain=domains, allow_source=True)
    np.testing.assert_allclose(np.concatenate(ours), both, atol=1e-3)


def test_subspace_alignment_undoes_a_turn_of_the_features() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    source = (rng.normal(size=(400, 3)) * (0.3, 1, 0.1) + labels[:, None] * (6, 0, 0)).astype(np.float32)
    turned = source[:, [1, 0, 2]]
    assert svm_accuracy(source, labels, turned, labels) < 0.9
    accuracy, components = subspace_alignment(source, labels, turned, turned, labels, range(1, 9))
    assert accuracy == 1 and 1 <= components <= 3


def test_the_share_of_the_gap() -> None:
    assert share_of_gap(0.7666, 0.5225, 0.9596) == pytest.approx(0.5584, abs=1e-3)
    assert share_of_gap(0.5, 0.5, 0.5) is None
