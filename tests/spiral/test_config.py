"""Settings are checked when they are read; what is wrong is named, with what is allowed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiral.config import ConfigError, RunConfig, parse_config

WRONG = [
    ({"polcy": {}}, "no setting 'polcy'; settings has .*policy, discriminator"),
    ({"policy": {"lr": 1e-3}}, r"no setting 'policy\.lr'; policy has batch_size, learning_rate"),
    ({"rewards": [{"name": "l2", "wheight": 2}]}, r"'rewards\.0\.wheight'; rewards\.0 has name, weight, when"),
    ({"policy": {"discount": 1.5}}, r"policy\.discount: .*less than or equal to 1.*1\.5"),
    ({"policy": {"learning_rate": 0}}, r"policy\.learning_rate: .*greater than 0.*given: 0"),
    ({"policy": {"value": float("nan")}}, r"policy\.value: .*finite.*nan"),
    ({"policy": {"batch_size": "many"}}, r"policy\.batch_size: .*integer.*'many'"),
    ({"precision": "float16"}, "precision: .*'float32' or 'bfloat16'.*'float16'"),
    ({"agent": {"location_head": "map"}}, r"agent\.location_head: .*'deconvolution' or 'pointer'.*'map'"),
    ({"agent": {"channels": [8, 0]}}, r"agent\.channels\.1: .*greater than or equal to 1"),
    ({"rewards": [{"name": "l2", "when": "often"}]}, r"rewards\.0\.when: .*'end' or 'step'.*'often'"),
    ({"policy": {"passes": 2}}, r"passes=2 .*clip_ratio \(0\.2, say\); or set passes=1"),
    ({"policy": {"batch_size": 9, "minibatches": 2}}, "batch_size=9 does not divide into minibatches=2"),
    ({"discriminator": {"softplus_shift": 1}}, r"softplus_shift=1\.0 needs .*log-odds: .*loss=spectral-norm.*wgan-gp"),
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


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("policy.entropi", "no setting 'policy.entropi'; policy has"),
        ("nothing.entropy", "no setting 'nothing.entropy': 'nothing' is no section"),
        ("seed.high", "no setting 'seed.high': 'seed' is no section"),
        ("policy.entropy.high", "no setting 'policy.entropy.high': 'policy.entropy' is no section"),
    ],
)
def test_changing_what_is_not_there_is_refused(path, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig().with_changes({path: 1})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)))
def test_no_value_whatever_leaves_anything_but_a_config_error(value):
    for name in RunConfig.model_fields:
        try:
            parse_config({name: value})
        except ConfigError as error:
            assert name in str(error)


def test_only_a_reward_of_that_name_asks_for_a_discriminator():
    assert RunConfig().uses_discriminator
    assert not parse_config({"rewards": [{"name": "l2"}, {"name": "blank"}]}).uses_discriminator
