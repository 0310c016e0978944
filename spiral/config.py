"""A run is described by one document of settings, checked when it is read.

Every part takes its own small section. A preset (`spiral/presets.py`) is such a document with a name; `--set` changes
single values; the document is stored beside the checkpoints, so that a run can be resumed, sampled and repeated from
its folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

MOST_SEED = 2**63 - 1  # what torch and numpy take, and one more

Size = Annotated[int, Field(ge=1, le=2**20)]  # of layers and batches
Count = Annotated[int, Field(ge=0, le=2**20)]  # of what may be left out


PrecisionSetting = Literal["auto", "float32", "bfloat16"]  # see `spiral/precision.py`


class ConfigError(ValueError):
    """A setting is unknown or out of range; the message names it, the value given and what is allowed."""


class Section(BaseModel):
    """Settings that refuse unknown names and never change after they were read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EnvironmentConfig(Section):
    """Which environment, and its keyword arguments."""

    id: str = "spiral/Paint-v0"
    settings: dict[str, Any] = Field(default_factory=dict)


class DataConfig(Section):
    """The real pictures: a data set by name, as `spiral data` lists them.

    With `smooth` a copying agent learns from targets that look as if they had been made smaller (`spiral/smooth.py`).
    """

    name: str = "digits"
    smooth: bool = False


class AgentConfig(Section):
    """The layers of the agent; the defaults are the published ones (see `spiral/agent.py`).

    `location_planes` draws the previous locations as planes beside the canvas; `location_read` lets later sub-actions
    know what the feature maps hold at a location that a pointer chose.
    """

    stem_channels: Size = 32
    stem_stride: Literal[1, 2] = 1
    channels: tuple[Size, ...] = (32, 32, 32)
    residual_blocks: Count = 8
    hidden: int = Field(default=256, ge=16, le=2**20)
    location_head: Literal["deconvolution", "pointer"] = "deconvolution"
    location_planes: bool = False
    location_read: bool = False
    noise: Count = 10
    conditional: bool = False
    blind: bool = False


class DiscriminatorConfig(Section):
    """The discriminator and its learner (thesis A.3).

    `softplus_shift` b rewards log(1 + e^b p_real / p_render) in place of the score (`spiral/rewards/adversarial.py`).
    With `reink` it learns from pictures whose ink varies at random (`spiral/reink.py`), so that it judges shapes.
    """

    loss: Literal["wgan-gp", "spectral-norm"] = "wgan-gp"
    width: Size = 64
    hidden: Count = 0
    learning_rate: float = Field(default=1e-4, gt=0)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: float = Field(default=0.9, ge=0, lt=1)
    gradient_penalty: float = Field(default=10.0, ge=0)
    mean_score_penalty: float = Field(default=1e-3, ge=0)
    batch_size: Size = 64
    steps_per_policy_step: Size = 1
    replay_batches: Size = 20
    softplus_shift: float | None = None
    reink: bool = False

    @model_validator(mode="after")
    def _softplus_needs_log_odds(self) -> DiscriminatorConfig:
        if self.softplus_shift is not None and self.loss != "spectral-norm":
            raise ValueError(
                f"discriminator.softplus_shift={self.softplus_shift} needs scores that are log-odds: "
                f"set discriminator.loss=spectral-norm, or leave the shift out with {self.loss}"
            )
        return self


class RewardTerm(Section):
    """One reward of the sum: `weight` times its score, at the end or as the difference that each step makes."""

    name: str
    weight: float = 1.0
    when: Literal["end", "step"] = "end"


class PolicyConfig(Section):
    """The policy learner: V-trace corrected actor-critic; with `clip_ratio`, several passes over a batch as in APPO.

    Learning rate and entropy cost go in a straight line to their final values; None stays where it began. `anchor` is
    what a nat of distance from the average of past policies costs (`learners/anchor.py`).
    """

    batch_size: Size = 64
    learning_rate: float = Field(default=3e-4, gt=0)
    final_learning_rate: float | None = Field(default=None, ge=0)
    entropy: float = Field(default=0.01, ge=0)
    final_entropy: float | None = Field(default=None, ge=0)
    anchor: float = Field(default=0.0, ge=0)
    anchor_decay: float = Field(default=0.995, ge=0, lt=1)
    value: float = Field(default=0.5, ge=0)
    discount: float = Field(default=1.0, gt=0, le=1)
    clip_rho: float = Field(default=1.0, gt=0)
    clip_c: float = Field(default=1.0, gt=0)
    clip_ratio: float | None = Field(default=None, gt=0)
    passes: Size = 1
    minibatches: Size = 1
    normalize_advantages: bool = False
    max_gradient_norm: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _several_passes_need_a_clip(self) -> PolicyConfig:
        if self.passes > 1 and self.clip_ratio is None:
            raise ValueError(f"passes={self.passes} over one batch need a clip_ratio (0.2, say); or set passes=1")
        if self.batch_size % self.minibatches:
            raise ValueError(f"batch_size={self.batch_size} does not divide into minibatches={self.minibatches}")
        return self


class CloningConfig(Section):
    """The warm start for `share` of the run's length, by imitation.

    A conditional agent imitates random `programs`, whose renders serve as targets. An agent without a target imitates
    `parses`: how the shipped copying agent (`spiral/shipped.py`) paints real pictures.
    """

    demonstrations: Literal["programs", "parses"] = "programs"
    share: float = Field(default=0.0, ge=0, le=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    minibatches: Size = 1


class RunConfig(Section):
    """Everything that decides a run, but for its length and the machines that it runs on."""

    preset: str = "custom"
    seed: int = Field(default=0, ge=0, le=MOST_SEED)
    precision: PrecisionSetting = "auto"
    device: str = "auto"
    environment: EnvironmentConfig = EnvironmentConfig()
    data: DataConfig = DataConfig()
    agent: AgentConfig = AgentConfig()
    policy: PolicyConfig = PolicyConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    cloning: CloningConfig = CloningConfig()
    rewards: tuple[RewardTerm, ...] = (RewardTerm(name="discriminator"),)
    sample_temperature: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _cloning_fits_the_agent(self) -> RunConfig:
        if self.cloning.share and self.agent.conditional != (self.cloning.demonstrations == "programs"):
            raise ValueError(
                f"cloning.demonstrations={self.cloning.demonstrations} do not fit agent.conditional="
                f"{str(self.agent.conditional).lower()}: an agent with targets imitates programs, one without them "
                "parses; or set cloning.share=0"
            )
        if self.cloning.minibatches > self.policy.batch_size:
            raise ValueError(
                f"cloning.minibatches={self.cloning.minibatches} are more than policy.batch_size="
                f"{self.policy.batch_size} episodes; give {self.policy.batch_size} at most"
            )
        return self

    @property
    def uses_discriminator(self) -> bool:
        """Whether any reward term is learned by the discriminator learner."""
        return any(term.name == "discriminator" for term in self.rewards)

    def with_changes(self, changes: dict[str, Any]) -> RunConfig:
        """The same settings with some replaced; keys are dotted paths such as `policy.entropy`.

        Raises:
            ConfigError: for an unknown name or a value that is not allowed.
        """
        document = self.model_dump(mode="json")
        for path, value in changes.items():
            *parents, leaf = path.split(".")
            section = document
            for depth, name in enumerate(parents):
                if not isinstance(section.get(name), dict):
                    raise ConfigError(f"no setting {path!r}: {'.'.join(parents[: depth + 1])!r} is no section")
                section = section[name]
            section[leaf] = value
        return parse_config(document)


def parse_config(document: dict[str, Any]) -> RunConfig:
    """The settings in `document` (plain JSON values).

    Raises:
        ConfigError: naming every setting that is wrong, the value given, and what is allowed.
    """
    try:
        return RunConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(problem) for problem in error.errors())) from None


def _explain(problem: ErrorDetails) -> str:
    path = problem["loc"]
    if problem["type"] == "extra_forbidden":
        section = ".".join(map(str, path[:-1])) or "settings"
        return f"no setting {'.'.join(map(str, path))!r}; {section} has {', '.join(_settings_of(path[:-1]))}"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])  # one of our own, which says what was given
    return f"{'.'.join(map(str, path)) or 'settings'}: {problem['msg']} (given: {_shortened(problem['input'])})"


def _shortened(value: object) -> str:
    """What was given, as far as a line has room for it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _settings_of(path: Sequence[int | str]) -> list[str]:
    """The names of the settings in the section that `path` leads to."""
    section: type[BaseModel] = RunConfig
    for name in path:
        if name == "rewards":
            section = RewardTerm
        elif isinstance(name, str):
            section = cast("type[BaseModel]", section.model_fields[name].annotation)
    return list(section.model_fields)
