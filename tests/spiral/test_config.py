"""Settings are checked when they are read; what is wrong is named, with what is allowed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiral.config import RewardTerm, RunConfig, parse_config
from spiral.section import ConfigError
from tests.tiny import tiny_discriminator

WRONG = [
    ({"polcy": {}}, "no setting 'polcy'; settings has .*policy, replay, cloning, expert, rewards"),
    ({"policy": {"lr": 1e-3}}, r"no setting 'policy\.lr'; policy has batch_size, unroll_length, learning_rate"),
    ({"rewards": [{"name": "l2", "wheight": 2}]}, r"'rewards\.0\.wheight'; rewards\.0 has name, from, weight, when"),
    ({"policy": {"discount": 1.5}}, r"policy\.discount: .*less than or equal to 1.*1\.5"),
    ({"policy": {"learning_rate": 0}}, r"policy\.learning_rate: .*greater than 0.*given: 0"),
    ({"policy": {"value": float("nan")}}, r"policy\.value: .*finite.*nan"),
    ({"policy": {"batch_size": "many"}}, r"policy\.batch_size: .*integer.*'many'"),
    ({"precision": "float16"}, "precision: .*'float32' or 'bfloat16'.*'float16'"),
    ({"agent": {"rectified": True}}, "agent.rectified was given, which is gone: agents with a ReLU before their LSTM"),
    ({"agent": {"location_head": "map"}}, r"agent\.location_head: .*'deconvolution' or 'pointer'.*'map'"),
    ({"agent": {"channels": [8, 0]}}, r"agent\.channels\.1: .*greater than or equal to 1"),
    ({"rewards": [{"name": "l2", "when": "often"}]}, r"rewards\.l2\.when='often' .*end, step, or after how many"),
    ({"rewards": [{"name": "l2", "when": 0}]}, r"rewards\.l2\.when=0 is no time"),
    ({"rewards": [{"name": "l2", "when": -3}]}, r"rewards\.l2\.when=-3 is no time"),
    ({"rewards": [{"name": "l2", "warm_up": -1}]}, r"rewards\.0\.warm_up: .*greater than or equal to 0"),
    (
        {"rewards": [{"name": "l2", "pace": {"roof": 1}}]},
        r"'rewards\.0\.pace\.roof'; rewards\.0\.pace has floor, ceiling",
    ),
    ({"rewards": [{"name": "l2", "pace": {"floor": 3, "ceiling": 2}}]}, r"ceiling=2 is below pace\.floor=3; give 3 or"),
    ({"rewards": [{"name": "l2", "pace": {"floor": 0, "ceiling": 0}}]}, r"pace\.ceiling: .*greater than or equal to 1"),
    ({"replay": {"pictures": 0}}, r"replay\.pictures: .*greater than or equal to 1"),
    ({"discriminator": {"width": 4}}, "no setting 'discriminator'; settings has"),
    ({"policy": {"passes": 2}}, r"passes=2 .*clip_ratio \(0\.2, say\); or set passes=1"),
    ({"policy": {"unroll_length": 0}}, r"policy\.unroll_length: .*greater than or equal to 1 \(given: 0\)"),
    ({"policy": {"unroll_length": "whole"}}, r"policy\.unroll_length: .*valid integer.*\(given: 'whole'\)"),
    ({"policy": {"batch_size": 9, "minibatches": 2}}, "batch_size=9 does not divide into minibatches=2"),
    ({"cloning": {"share": 0.5}}, r"demonstrations=programs do not fit agent\.conditional=false"),
    (
        {"cloning": {"share": 0.5, "demonstrations": "parses"}, "agent": {"conditional": True}},
        r"demonstrations=parses do not fit agent\.conditional=true",
    ),
    ({"cloning": {"minibatches": 65}}, r"cloning\.minibatches=65 .*give 64 at most"),
]


@pytest.mark.parametrize(("document", "message"), WRONG, ids=[json.dumps(document) for document, _ in WRONG])
def test_a_wrong_setting_is_named_with_what_is_allowed(document, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(document)


def test_an_episode_divides_into_unrolls_or_they_are_refused():
    assert RunConfig().policy.unrolled(20) == 20
    policy = RunConfig().with_changes({"policy.unroll_length": 5}).policy
    assert [policy.unrolled(length) for length in (5, 20, 1000)] == [5, 5, 5]
    for length, allowed in ((4, "1, 2, 4"), (12, "1, 2, 3, 4, 6, 12")):
        with pytest.raises(ConfigError, match=f"unroll_length=5 does not divide .* of {length} .*one of {allowed}, or"):
            policy.unrolled(length)


def test_a_run_of_before_whose_agent_had_no_relu_is_read_as_it_is():
    assert parse_config({"agent": {"rectified": False, "hidden": 32}}) == parse_config({"agent": {"hidden": 32}})


def test_every_wrong_setting_is_named_at_once():
    with pytest.raises(ConfigError, match="learning_rate.*; .*'sed'"):
        parse_config({"policy": {"learning_rate": -1}, "sed": 3})


def test_settings_survive_json_and_never_change():
    config = parse_config({"rewards": [{"name": "l2", "weight": 2.5, "when": "step"}], "agent": {"channels": [8]}})
    assert parse_config(json.loads(config.model_dump_json())) == config
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 4


def test_single_settings_are_changed_by_dotted_names():
    config = RunConfig()
    changed = config.with_changes({"policy.entropy": 0.5, "seed": 7, "environment.settings.canvas_size": 32})
    assert (changed.policy.entropy, changed.seed) == (0.5, 7)
    assert changed.environment.settings == {"canvas_size": 32}
    assert config == RunConfig(), "the original stays as it was"


def test_settings_of_a_reward_are_changed_by_its_name_or_its_place():
    rewards = [{"name": "blank"}, tiny_discriminator({"width": 8}), {"name": "l2"}, {"name": "l2", "when": "step"}]
    config = parse_config({"rewards": rewards})
    changes = {"rewards.discriminator.options.width": 16, "rewards.0.weight": 2.5, "rewards.3.when": 2}
    changed = config.with_changes({**changes, "rewards.discriminator.pace.ceiling": None, "rewards.l2.weight": 3.0})
    assert changed.rewards[1].options == {"width": 16, "batch_size": 8}, "options that were not named stay"
    assert (changed.rewards[0].weight, changed.rewards[1].pace.ceiling) == (2.5, None)
    assert [(term.when, term.weight) for term in changed.rewards[2:]] == [("end", 3.0), (2, 1.0)], "of two, the first"
    assert config == parse_config({"rewards": rewards}), "the original stays as it was"


def test_a_whole_list_of_rewards_takes_the_place_of_the_other():
    assert RunConfig().with_changes({"rewards": [{"name": "l2"}]}).rewards == (RewardTerm(name="l2"),)


def test_a_reward_counts_at_the_end_at_each_step_or_after_so_many_commands():
    for when in ("end", "step", 1, 20):
        assert RewardTerm(name="l2", when=when).when == when


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("policy.entropi", "no setting 'policy.entropi'; policy has"),
        ("nothing.entropy", "no setting 'nothing.entropy': 'nothing' is no section"),
        ("seed.high", "no setting 'seed.high': 'seed' is no section"),
        ("policy.entropy.high", "no setting 'policy.entropy.high': 'policy.entropy' is no section"),
        ("rewards.l2.weight", "no setting 'rewards.l2.weight': 'rewards.l2' is no section"),
        ("rewards.1.weight", "no setting 'rewards.1.weight': 'rewards.1' is no section"),
        ("rewards.0", "no setting 'rewards.0': 'rewards' is no section"),
        ("rewards.discriminator.wheight", r"no setting 'rewards\.0\.wheight'; rewards\.0 has name, from, weight, when"),
    ],
)
def test_changing_what_is_not_there_is_refused(path, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig().with_changes({path: 1})


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("discriminator.width", "rewards.discriminator.options.width"),
        ("discriminator.pace.floor", "rewards.discriminator.pace.floor"),
    ],
)
def test_what_belongs_to_a_reward_is_said_to(path, place):
    """Its settings were a section of their own once."""
    config = parse_config({"rewards": [tiny_discriminator()]})
    with pytest.raises(ConfigError, match=f"'discriminator.*' is no section; that of the reward is {place}"):
        config.with_changes({path: 1})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)))
def test_no_value_whatever_leaves_anything_but_a_config_error(value):
    for name in RunConfig.model_fields:
        try:
            parse_config({name: value})
        except ConfigError as error:
            assert name in str(error)


def test_the_second_reward_of_a_name_goes_by_its_number():
    config = parse_config({"rewards": [{"name": "l2"}, {"name": "blank"}, {"name": "l2", "when": "step"}]})
    changed = config.with_changes({"rewards.l2-2.weight": 2, "rewards.l2.weight": 3, "rewards.1.weight": 4})
    assert [term.weight for term in changed.rewards] == [3, 4, 2]


def test_real_pictures_of_its_own_are_refused_where_the_targets_are_real():
    rewards = [{"name": "discriminator", "data": "faces"}]
    with pytest.raises(ConfigError, match=r"rewards.discriminator.data='faces': with agent.conditional=true"):
        parse_config({"agent": {"conditional": True}, "rewards": rewards})


def test_a_reward_names_the_folder_of_its_fit_by_a_word_that_no_field_can_have():
    config = parse_config({"rewards": [{"name": "dual_distance", "from": "runs/dual"}]})
    document = config.model_dump(mode="json")
    assert document["rewards"][0]["from"] == "runs/dual" and "fitted_in" not in document["rewards"][0]
    assert parse_config(document) == config
    assert config.with_changes({"rewards.dual_distance.from": "x"}).rewards[0].fitted_in == "x"
