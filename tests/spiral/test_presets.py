"""The named settings describe the published agent to the last parameter, and small ones of the same parts."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from torch import nn

from cluster.studio.info import list_presets
from envs.program import SETTINGS
from spiral.agent import Agent, count_parameters
from spiral.config import RunConfig
from spiral.data import find
from spiral.data.scenes import Scenes
from spiral.presets import PRESETS, merged, preset
from spiral.rewards import RewardSum, setting_of
from spiral.rewards.discriminator import DiscriminatorReward
from spiral.section import ConfigError


def agent_of(config: RunConfig) -> Agent:
    settings = SETTINGS[config.environment.id].from_keywords(config.environment.settings)
    shape = (settings.canvas_size, settings.canvas_size, settings.channels)
    return Agent(settings.action_spec, shape, config.agent)


@pytest.fixture(scope="module")
def published() -> Agent:
    return agent_of(preset("reference"))


def count(modules: Iterable[nn.Module]) -> int:
    return sum(count_parameters(module) for module in modules)


def test_the_published_agent_has_as_many_parameters_as_published(published):
    assert count_parameters(published) == 1_613_329


def test_each_published_part_has_its_parameters(published):
    encoder, decoder = published.encoder, published.decoder
    locations = [head for i, head in zip(decoder.order, decoder.heads, strict=True) if published.spec.heads[i].grid]
    scalars = [head for head in decoder.heads if head not in locations]
    assert encoder.conditioning.noise is not None
    assert {
        "first convolution": count_parameters(encoder.stem),
        "conditioning embeddings": count(encoder.conditioning.embeddings),
        "conditioning MLP": count_parameters(encoder.conditioning.action),
        "noise MLP": count_parameters(encoder.conditioning.noise),
        "encoder": count([encoder.strided, encoder.residual]),
        "linear": count_parameters(encoder.flat),
        "LSTM": count_parameters(published.lstm),
        "value": count_parameters(published.value),
        "two location heads": count(locations),
        "scalar heads": count(scalars),
        "action embeddings": count(decoder.embeddings),
        "residual MLPs": count(decoder.residuals),
    } == {
        "first convolution": 4_032,
        "conditioning embeddings": 1_440,
        "conditioning MLP": 11_392,
        "noise MLP": 3_840,
        "encoder": 140_928,
        "linear": 524_544,
        "LSTM": 525_312,
        "value": 257,
        "two location heads": 273_218,
        "scalar heads": 20_046,
        "action embeddings": 1_440,
        "residual MLPs": 106_880,
    }


def test_sub_actions_are_decided_in_the_published_order(published):
    names = [published.spec.heads[i].name for i in published.decoder.order]
    assert names == ["flag", "end", "control", "size", "pressure", "red", "green", "blue"]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_built_and_read_back(name):
    config = preset(name)
    assert config.preset == name
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    agent = agent_of(config)
    RewardSum(config.rewards, setting_of(config, (32, 32, 1)))
    assert config.agent.conditional == name.endswith("conditional")
    assert find(config.data.name).what
    if "small" in name:
        most = 1_000_000 if agent.canvas_shape[0] <= 32 else 2_000_000
        assert count_parameters(agent) < most, "a small agent is for two cores"


@pytest.mark.parametrize("name", ["mnist", "mnist-conditional"])
def test_digits_with_the_published_layers_keep_them(name, published):
    agent = agent_of(preset(name))
    for part in ("lstm", "value"):
        assert count_parameters(getattr(agent, part)) == count_parameters(getattr(published, part))
    assert count(agent.encoder.strided) == count(published.encoder.strided)
    assert [head.name for head in agent.spec.heads] == ["control", "end", "flag", "pressure", "size"]


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(ConfigError, match="'mnst'.*reference, mnist, mnist-conditional, mnist-small"):
        preset("mnst")


def test_later_documents_win_section_by_section():
    first = {"policy": {"entropy": 1.0, "value": 2.0}, "rewards": [1, 2], "seed": 3}
    second = {"policy": {"entropy": 5.0}, "rewards": [4]}
    assert merged(first, second) == {"policy": {"entropy": 5.0, "value": 2.0}, "rewards": [4], "seed": 3}
    assert first["policy"] == {"entropy": 1.0, "value": 2.0}, "the documents themselves stay as they are"


@pytest.mark.parametrize("name", ["characters-conditional", "faces-conditional", "scenes-conditional"])
def test_every_experiment_of_the_chapter_has_the_published_layers(name, published):
    agent = agent_of(preset(name))
    assert count_parameters(agent.lstm) == count_parameters(published.lstm)
    assert count(agent.encoder.strided) == count(published.encoder.strided)
    assert preset(name).environment.settings.get("episode_length", 20) == 20


def test_digits_are_penalised_for_a_second_stroke_and_faces_for_their_colors():
    named = {name: {term.name for term in preset(name).rewards} for name in PRESETS}
    penalised = {name for name, terms in named.items() if "stroke_start" in terms}
    assert penalised <= {name for name in PRESETS if "mnist" in name or "plus" in name}
    assert {name for name, terms in named.items() if "color_histogram" in terms} == {
        f"{data}{small}-conditional" for data in ("faces", "celeba") for small in ("", "-small", "-plus-small")
    }


@pytest.mark.parametrize("name", ["characters-plus-conditional", "omniglot-plus-conditional"])
def test_spiral_plus_plus_is_as_published_where_the_paper_says_how(name, published):
    config = preset(name)
    settings = SETTINGS[config.environment.id].from_keywords(config.environment.settings)
    assert (settings.canvas_size, settings.drawn_size, settings.episode_length) == (64, 256, 40)
    agent = agent_of(config)
    assert [head.name for head in agent.spec.heads] == ["end", "flag", "pressure", "size"]
    assert count_parameters(agent.lstm) == count_parameters(published.lstm)
    assert {term.name: term.when for term in config.rewards} == dict.fromkeys(
        ("discriminator", "stroke_start", "stroke_length"), "step"
    )
    discriminator = RewardSum(config.rewards, setting_of(config, (64, 64, 1))).terms[0].reward
    assert isinstance(discriminator, DiscriminatorReward) and discriminator.halves is not None
    (group,) = discriminator.optimizer.param_groups
    assert (discriminator.options.loss, group["lr"], group["betas"]) == ("logistic", 1e-4, (0.5, 0.999))
    assert discriminator.batch_size == config.policy.batch_size == 64
    assert 1e-5 < config.policy.learning_rate < 3e-4 and 2e-3 < config.policy.entropy < 1e-1


def test_small_spiral_plus_plus_paints_long_episodes_in_short_unrolls():
    config = preset("faces-plus-small-conditional")
    settings = SETTINGS[config.environment.id].from_keywords(config.environment.settings)
    assert (settings.drawn_size, settings.episode_length) == (4 * settings.canvas_size, 200)
    assert config.policy.unrolled(settings.episode_length) == 20
    assert [head.name for head in agent_of(config).spec.heads[:4]] == ["end", "flag", "pressure", "size"]
    assert {"stroke_start", "stroke_length", "discriminator"} < {term.name for term in config.rewards}
    discriminator = RewardSum(config.rewards, setting_of(config, (32, 32, 3))).terms[0].reward
    assert isinstance(discriminator, DiscriminatorReward) and discriminator.halves is not None


@pytest.mark.parametrize(
    ("name", "objects", "commands"), [("scenes-small-conditional", 2, 3), ("scenes-five-small-conditional", 5, 20)]
)
def test_small_scenes_are_cloned_from_as_many_objects_as_their_data_have(name, objects, commands):
    config = preset(name)
    dataset = find(config.data.name)
    assert isinstance(dataset, Scenes) and dataset.environment == config.environment.id
    assert config.environment.settings == {"episode_length": commands, "most_objects": objects}
    assert dataset.most_objects == objects
    assert config.data.smooth != config.data.varied


def test_scenes_with_the_published_layers_are_like_their_data():
    config = preset("scenes-conditional")
    dataset = find(config.data.name)
    assert isinstance(dataset, Scenes) and dataset.environment == config.environment.id


def test_the_list_of_presets_says_what_each_is_for():
    lines = dict(line.split(maxsplit=1) for line in list_presets().splitlines() if line[:4] in ("char", "face", "scen"))
    assert lines["characters-small-conditional"].startswith("Copying characters on two cores")
    assert lines["faces-conditional"].startswith("Copying faces with the published layers")
    assert lines["scenes-small-conditional"].startswith("Building scenes of 1 or 2 objects")
