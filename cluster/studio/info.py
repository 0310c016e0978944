"""What there is: presets and data sets."""

from __future__ import annotations

import json

from cluster.run.brush_fingerprint import describe_brush
from cluster.run.engine import inspect_environment
from spiral.agent import Agent, count_parameters
from spiral.data import DatasetInfo, catalogue, data_root
from spiral.data.annotated_sets import annotated_catalogue
from spiral.devices import resolve_device
from spiral.precision import precision_of_agent
from spiral.presets import PRESETS, preset
from spiral.rewards import build_reward, learned_terms, setting_of
from spiral.rewards.base import LearnedReward


def list_presets() -> str:
    """The presets by name, with what each is for."""
    width = max(map(len, PRESETS)) + 2
    lines = [f"{name:{width}}{(make.__doc__ or '').splitlines()[0]}" for name, make in PRESETS.items()]
    return "\n".join([*lines, "", "spiral info --preset NAME shows one of them."])


def describe_preset(name: str) -> str:
    """The layers and parameters of the agent and the learned rewards, the action heads, the brush, and all settings.

    Raises:
        ConfigError: there is no such preset.
    """
    config = preset(name)
    spec, shape = inspect_environment(config)
    agent = Agent(spec, shape, config.agent)
    lines = [f"agent: {count_parameters(agent):,} parameters, canvas {shape[0]} x {shape[1]} x {shape[2]}"]
    for module_name, module in agent.named_modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        if own:
            lines.append(f"  {module_name:44}{type(module).__name__:20}{own:>10,}")
    lines.append(f"precision here: {precision_of_agent(config.precision, resolve_device(config.device), agent)}")
    for key, term in learned_terms(config.rewards).items():
        reward = build_reward(term, setting_of(config, shape, spec=spec))
        assert isinstance(reward, LearnedReward), "learned_terms gives no others"
        lines.append(f"reward {key}: {sum(array.size for array in reward.weights().values()):,} numbers are learned")
    lines.append(f"action heads, decoded in the order {', '.join(spec.decoding_order)}:")
    for head in spec.heads:
        grid = f"  {head.grid[0]} x {head.grid[1]} cells" if head.grid else ""
        lines.append(f"  {head.name:12}{head.choices:>6} choices{grid}")
    lines += describe_brush(config)
    return "\n".join([*lines, "settings:", json.dumps(config.model_dump(mode="json"), indent=2)])


def list_data() -> str:
    """The data sets, whether they are ready, and what to do where they are not."""
    lines = [f"Data sets live in {data_root().resolve()} (SPIRAL_DATA names another folder)."]
    lines += map(_line, catalogue())
    lines.append("Pictures in which edges or vessels are marked (spiral fit n4_fields --set data=NAME):")
    lines += map(_line, annotated_catalogue())
    return "\n".join(lines)


def _line(entry: DatasetInfo) -> str:
    return f"{'ready  ' if entry.ready else 'missing'}  {entry.name:14}  {entry.size:18}  {entry.note}"
