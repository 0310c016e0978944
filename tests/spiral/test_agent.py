"""The agent decides and judges alike, sees only what it may see, and is built from the action heads alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from envs.actions import ActionSpec, Head, paint_action_spec
from spiral.agent import Agent, Decision, Judgement, Observation, TensorEpisodes, as_pictures
from spiral.config import RunConfig
from spiral.trajectory import Trajectory
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config

CPU = torch.device("cpu")
DECONVOLUTION: dict[str, Any] = {"agent": {"location_head": "deconvolution", "residual_blocks": 1}}
BLIND: dict[str, Any] = {"agent": {"blind": True}}
PLANES: dict[str, Any] = {"agent": {"location_planes": True}}
# An invented environment: a turtle that goes to a place, turns, or waits; the kind is the last head in the space.
TURTLE = ActionSpec(
    (Head("place", 64, (8, 8)), Head("angle", 3), Head("what", 3)),
    ("what", "place", "angle"),
    "what",
    (("what", "place"), ("what", "angle"), ("what",)),
)
KINDS = [
    ({}, SPEC),
    (CONDITIONAL, SPEC),
    (BLIND, SPEC),
    (DECONVOLUTION, SPEC),
    (PLANES, SPEC),
    ({}, TURTLE),
]
# After the last sub-action nothing is decided: these layers are kept for the published number of parameters.
LAST_OF_THE_DECODER = ("decoder.embeddings.4.", "decoder.residuals.4.")
NAMES = ["unconditional", "conditional", "blind", "deconvolution", "planes", "turtle"]


def make_agent(config: RunConfig, spec: ActionSpec = SPEC, seed: int = 0) -> Agent:
    """An agent whose decisions are far from uniform, so that what it sees matters."""
    torch.manual_seed(seed)
    agent = Agent(spec, SHAPE, config.agent)
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(2.0)
    return agent


def judge(agent: Agent, trajectory: Trajectory) -> Judgement:
    with torch.no_grad():
        return agent.unroll(TensorEpisodes.of(trajectory, CPU))


def entropy_of(judged: Judgement) -> torch.Tensor:
    """That of the heads which count, [T·B]."""
    return (judged.commands.entropies * judged.commands.counted).sum(dim=-1)


def observe(trajectory: Trajectory, step: int) -> Observation:
    previous = trajectory.actions[step - 1] if step else np.zeros_like(trajectory.actions[0])
    arrays = (trajectory.canvases[step], trajectory.targets, previous, trajectory.action_masks[step], trajectory.noise)
    return Observation(*(None if a is None else torch.from_numpy(a) for a in arrays))  # type: ignore[arg-type]


@torch.no_grad()
def play(agent: Agent, trajectory: Trajectory, seed: int = 0) -> tuple[Trajectory, list[Decision]]:
    """The trajectory with actions that the agent decided step by step, and its decisions; the canvases stay."""
    generator = torch.Generator().manual_seed(seed)
    state = agent.lstm.initial_state(trajectory.batch_size)
    actions, masks = trajectory.actions.copy(), trajectory.action_masks.copy()
    played, decisions = replace(trajectory, actions=actions, action_masks=masks), []
    for step in range(trajectory.length):
        decision = agent.act(observe(played, step), state, generator)
        state = decision.state
        actions[step] = decision.actions.numpy()
        masks[step + 1] = agent.spec.mask(actions[step])
        decisions.append(decision)
    return played, decisions


@pytest.mark.parametrize(("changes", "spec"), KINDS, ids=NAMES)
def test_deciding_step_by_step_and_judging_at_once_agree(changes, spec):
    config = tiny_config(changes)
    agent = make_agent(config, spec)
    played, decisions = play(agent, made_up(config, spec=spec))
    judged = judge(agent, played)
    torch.testing.assert_close(judged.log_prob, torch.stack([d.log_prob for d in decisions]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(judged.value, torch.stack([d.value for d in decisions]), rtol=1e-4, atol=1e-5)
    for tensor in (judged.log_prob, judged.value):
        assert (tensor.dtype, tensor.shape) == (torch.float32, (4, 8))


@pytest.mark.parametrize(("changes", "spec"), KINDS, ids=NAMES)
def test_decisions_are_in_the_action_space(changes, spec):
    config = tiny_config(changes)
    played, _ = play(make_agent(config, spec), made_up(config, spec=spec))
    assert (played.actions >= 0).all() and (played.actions < spec.nvec).all()


def test_the_same_seed_decides_the_same_and_another_does_not():
    config = tiny_config()
    agent, trajectory = make_agent(config), made_up(config)
    first, again, other = (play(agent, trajectory, seed)[0].actions for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_without_temperature_every_sub_action_is_the_likeliest_after_those_before():
    config = tiny_config()
    agent, trajectory = make_agent(config), made_up(config, batch=3)
    seen, state = observe(trajectory, 0), agent.lstm.initial_state(3)
    with torch.no_grad():
        decision = agent.act(seen, state, None, temperature=0.0)
        embedding, maps = agent.encoder(agent.pictures(seen.canvas, None), seen.action, seen.action_mask, seen.noise)
        z, _ = agent.lstm(embedding[None], state)
        for head in SPEC.heads:
            i = SPEC.index(head.name)
            alternatives = decision.actions.repeat(head.choices, 1, 1)
            alternatives[:, :, i] = torch.arange(head.choices)[:, None]
            log_probs = torch.stack([agent.decoder(z[0], maps, a)[1][:, i] for a in alternatives])
            assert log_probs.argmax(dim=0).tolist() == decision.actions[:, i].tolist()


def test_a_move_is_as_probable_whatever_its_unused_sub_actions_are():
    config = tiny_config()
    agent, trajectory = make_agent(config), made_up(config, length=1)
    other = made_up(config, seed=1, length=1)
    for kind, same in ((0, True), (1, False)):
        first, second = trajectory.actions.copy(), trajectory.actions.copy()
        first[..., SPEC.index("flag")] = second[..., SPEC.index("flag")] = kind
        for name in ("control", "pressure", "size"):
            second[..., SPEC.index(name)] = other.actions[..., SPEC.index(name)]
        judged = [judge(agent, replace(trajectory, actions=actions)) for actions in (first, second)]
        assert torch.equal(judged[0].log_prob, judged[1].log_prob) == same
        assert torch.equal(*(entropy_of(judgement) for judgement in judged)) == same


def test_unused_sub_actions_of_the_last_action_are_not_seen():
    config = tiny_config(PLANES)
    agent, trajectory = make_agent(config), made_up(config, length=2)
    actions = trajectory.actions.copy()
    actions[0, :, SPEC.index("flag")] = 0
    masks = np.concatenate((trajectory.action_masks[:1], SPEC.mask(actions)))
    changed = actions.copy()
    changed[0, :, SPEC.index("control")] = 63 - changed[0, :, SPEC.index("control")]
    judged = [judge(agent, replace(trajectory, actions=a, action_masks=masks)) for a in (actions, changed)]
    torch.testing.assert_close(judged[0].log_prob[1], judged[1].log_prob[1], rtol=0, atol=0)


def test_log_probabilities_of_all_choices_sum_to_one():
    """Over all commands of a tiny space: 2 places, a kind and 3 sizes that a move does not use."""
    heads = (Head("go", 2), Head("flag", 2), Head("size", 3))
    spec = ActionSpec(heads, ("flag", "go", "size"), "flag", (("flag", "go"), ("flag", "go", "size")))
    config = tiny_config()
    agent = make_agent(config, spec)
    commands = [(go, 0, 0) for go in range(2)] + [(go, 1, size) for go in range(2) for size in range(3)]
    one = made_up(config, length=1, batch=1, spec=spec)
    actions = np.array(commands, np.int64)[None]
    batch = one.select(np.zeros(len(commands), int))
    log_prob = judge(agent, replace(batch, actions=actions)).log_prob
    torch.testing.assert_close(log_prob.exp().sum(), torch.tensor(1.0))


def test_entropy_is_between_nothing_and_that_of_blind_chance():
    config = tiny_config()
    trajectory = made_up(config)
    most = (SPEC.mask(trajectory.actions) * np.log(SPEC.nvec)).sum(axis=-1)
    entropy = entropy_of(judge(make_agent(config), trajectory)).numpy().reshape(most.shape)
    assert (entropy > 0).all() and (entropy <= most + 1e-4).all()
    uniform = make_agent(config)
    for parameter in uniform.parameters():
        torch.nn.init.zeros_(parameter)
    np.testing.assert_allclose(entropy_of(judge(uniform, trajectory)), most.ravel(), rtol=1e-5)


def differ(config: RunConfig, first: Trajectory, second: Trajectory) -> bool:
    agent = make_agent(config)
    return not torch.equal(judge(agent, first).log_prob, judge(agent, second).log_prob)


@pytest.mark.parametrize("blind", [False, True])
def test_only_a_blind_agent_ignores_the_canvas(blind):
    config = tiny_config(CONDITIONAL, {"agent": {"blind": blind}})
    trajectory, other = made_up(config, seed=0), made_up(config, seed=1)
    assert differ(config, trajectory, replace(trajectory, canvases=other.canvases)) == (not blind)
    assert differ(config, trajectory, replace(trajectory, targets=other.targets)), "it always sees the target"


def test_noise_makes_unconditional_episodes_differ():
    config = tiny_config()
    trajectory = made_up(config)
    assert differ(config, trajectory, replace(trajectory, noise=made_up(config, seed=1).noise))


def test_a_target_too_many_or_too_few_is_refused():
    canvas = torch.zeros(1, *SHAPE, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"a target was given to an agent that takes none \(agent.conditional\)"):
        make_agent(tiny_config()).pictures(canvas, canvas)
    with pytest.raises(ValueError, match="no target was given to an agent that takes one"):
        make_agent(tiny_config(CONDITIONAL)).pictures(canvas, None)


def test_pictures_are_channels_first_from_zero_to_one():
    pixels = torch.zeros(1, 2, 3, 3, dtype=torch.uint8)
    pixels[0, 1, 2] = torch.tensor([255, 51, 0])
    pictures = as_pictures(pixels)
    assert pictures.shape == (1, 3, 2, 3)
    torch.testing.assert_close(pictures[0, :, 1, 2], torch.tensor([1.0, 0.2, 0.0]))


def test_the_gradient_is_the_slope_of_the_judgement():
    """Along the gradient itself, the central difference of the judged sum is the norm of the gradient."""
    config = tiny_config(CONDITIONAL)
    agent = make_agent(config)
    episodes = TensorEpisodes.of(made_up(config, length=3, batch=2), CPU)

    def total() -> torch.Tensor:
        judged = agent.unroll(episodes)
        return judged.log_prob.mean() + judged.value.square().mean()

    total().backward()
    gradients = {p: p.grad.clone() for p in agent.parameters() if p.grad is not None}
    norm = torch.cat([g.flatten() for g in gradients.values()]).norm()
    unused = {name for name, p in agent.named_parameters() if p.grad is None}
    assert unused == {name for name, _ in agent.named_parameters() if name.startswith(LAST_OF_THE_DECODER)}
    step = 1e-3
    with torch.no_grad():
        values = []
        for sign in (1.0, -2.0):
            for parameter, gradient in gradients.items():
                parameter.add_(gradient, alpha=float(sign * step / norm))
            values.append(float(total()))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(norm), rel=0.02)


def test_read_only_arrays_are_copied_and_others_shared():
    trajectory = made_up(tiny_config())
    shared = TensorEpisodes.of(trajectory, CPU)
    assert np.shares_memory(shared.canvases.numpy(), trajectory.canvases)
    for array in (trajectory.canvases, trajectory.actions, trajectory.action_masks, trajectory.noise):
        array.flags.writeable = False
    copied = TensorEpisodes.of(trajectory, CPU)  # PyTorch would warn, and warnings are errors here
    assert not np.shares_memory(copied.canvases.numpy(), trajectory.canvases)
    torch.testing.assert_close(copied.canvases, shared.canvases)


def test_colour_and_other_sizes_need_no_other_code():
    config = tiny_config()
    spec = paint_action_spec(16, 1, color=True)
    torch.manual_seed(0)
    agent = Agent(spec, (32, 32, 3), config.agent)
    judged = judge(agent, made_up(config, spec=spec, shape=(32, 32, 3)))
    assert torch.isfinite(judged.log_prob).all()


@pytest.mark.parametrize("changes", [{}, CONDITIONAL, PLANES], ids=["unconditional", "conditional", "planes"])
def test_the_first_layer_is_one_convolution_of_pictures_coordinates_and_planes(changes):
    encoder = make_agent(tiny_config(changes)).encoder
    trajectory = made_up(tiny_config(changes), batch=3)
    action, mask = torch.from_numpy(trajectory.actions[0]), torch.ones(3, len(SPEC.heads))
    pictures = torch.rand(3, encoder.stem.in_channels - 2 - len(encoder.grids), *SHAPE[:2])
    planes = encoder.location_planes(action, mask)
    stacked = torch.cat([pictures, encoder.coordinates.expand(3, -1, -1, -1), *planes], dim=1)
    noise = torch.zeros(3, trajectory.noise.shape[-1])
    shift = encoder.conditioning(action, mask, noise)[:, :, None, None]
    x = torch.relu(encoder.stem(stacked) + shift)
    for convolution in encoder.strided:
        x = torch.relu(convolution(x))
    flat = encoder.flat(encoder.residual(x).flatten(1))
    torch.testing.assert_close(encoder(pictures, action, mask, noise)[0], flat, rtol=1e-4, atol=1e-5)
