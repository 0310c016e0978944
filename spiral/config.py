"""A run is described by one document of settings, checked when it is read.

Every part takes its own small section. A preset (`spiral/presets.py`) is such a document with a name; `--set` changes
single values; the document is stored beside the checkpoints, so that a run can be resumed, sampled and repeated from
its folder.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from spiral.section import ConfigError, Count, Section, Size, parse_section

MOST_SEED = 2**63 - 1  # what torch and numpy take, and one more

PrecisionSetting = Literal["auto", "float32", "bfloat16"]  # see `spiral/precision.py`


class EnvironmentConfig(Section):
    """Which environment, and its keyword arguments."""

    id: str = "spiral/Paint-v0"
    settings: dict[str, Any] = Field(default_factory=dict)


class DataConfig(Section):
    """The real pictures: a data set by name, as `spiral data` lists them.

    With `smooth` a copying agent learns from targets that look as if they had been made smaller (`spiral/smooth.py`),
    with `varied` a third of them look as if they had come in another size, moved and grainy (`spiral/varied.py`). With
    `begun` its canvases are painted in part when an episode begins (`spiral/begun.py`).
    """

    name: str = "digits"
    smooth: bool = False
    varied: bool = False
    begun: bool = False


class AgentConfig(Section):
    """The layers of the agent; the defaults are the published ones (see `spiral/agent.py`).

    `location_planes` draws the previous locations as planes beside the canvas; `location_read` lets later sub-actions
    know what the feature maps hold at a location that a pointer chose. `level` tells the agent which level of a
    painting an episode belongs to, from 0 for the whole to ever smaller parts.
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
    level: bool = False
    conditional: bool = False
    blind: bool = False

    @property
    def told(self) -> int:
        """How many numbers the agent is given for an episode beside the pictures: the noise, and the level behind."""
        return self.noise + self.level

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, document: Any) -> Any:
        """Runs of earlier versions say of each agent whether it had a ReLU before its LSTM, as none has any more."""
        if not isinstance(document, dict) or "rectified" not in document:
            return document
        if document["rectified"] is not False:
            raise ValueError(
                "agent.rectified was given, which is gone: agents with a ReLU before their LSTM need the version that "
                "trained them; leave it out and train anew"
            )
        return {name: value for name, value in document.items() if name != "rectified"}


class ReplayConfig(Section):
    """The buffer between actors and reward learner: how many of the newest pictures it keeps (thesis A.3)."""

    pictures: Size = 1280


class Pace(Section):
    """How many training steps a learned reward takes for each step of the policy (thesis 6.3.4).

    With fewer than `floor` the policy waits for it, with `ceiling` it waits for the policy; without a ceiling it takes
    as many as its process can. Where both share one process, it takes `floor` steps, and one where that is nothing.
    """

    floor: Count = 1
    ceiling: Size | None = 1

    @model_validator(mode="after")
    def _in_order(self) -> Pace:
        if self.ceiling is not None and self.ceiling < self.floor:
            raise ValueError(
                f"pace.ceiling={self.ceiling} is below pace.floor={self.floor}; give {self.floor} or more, or null for "
                "as many steps as the process can take"
            )
        return self


class RewardTerm(Section):
    """One reward of the sum: `weight` times its score.

    It counts at the end, as the difference that each step makes, or after so many commands. `name` is one of ours or
    `module:Class`, and `options` are that reward's own; one of a method's takes what it needs `from` the folder of a
    fit (`spiral fit`), or from the fit that is `shipped` with the package. Where it learns, it does so at its `pace`,
    begins with `warm_up` steps before the policy is paid by it, and takes real pictures from `data`, or from those of
    the run.
    """

    model_config = ConfigDict(serialize_by_alias=True)  # `from` is no name that a field can have

    name: str
    fitted_in: str | None = Field(default=None, alias="from")
    weight: float = 1.0
    when: str | int = "end"
    options: dict[str, Any] = Field(default_factory=dict)
    pace: Pace = Pace()
    warm_up: Count = 300
    data: str | None = None

    @model_validator(mode="after")
    def _known_time(self) -> RewardTerm:
        if self.when not in ("end", "step") and not (type(self.when) is int and self.when > 0):
            raise ValueError(
                f"rewards.{self.name}.when={self.when!r} is no time; give end, step, or after how many commands"
            )
        return self


class PolicyConfig(Section):
    """The policy learner: V-trace corrected actor-critic; with `clip_ratio`, several passes over a batch as in APPO.

    A batch is of unrolls: whole episodes, or `unroll_length` commands of each. Learning rate and entropy cost go in a
    straight line to their final values; None stays where it began. `anchor` is what a nat of distance from the average
    of past policies costs (`learners/anchor.py`).
    """

    batch_size: Size = 64
    unroll_length: Size | None = None
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

    def unrolled(self, episode_length: int) -> int:
        """How many commands an unroll has, of episodes of so many.

        Raises:
            ConfigError: the episodes do not divide into such unrolls.
        """
        length = episode_length if self.unroll_length is None else self.unroll_length
        if episode_length % length:
            allowed = ", ".join(str(part) for part in range(1, episode_length + 1) if episode_length % part == 0)
            raise ConfigError(
                f"policy.unroll_length={length} does not divide an episode of {episode_length} commands: give one of "
                f"{allowed}, or null for whole episodes"
            )
        return length

    @model_validator(mode="after")
    def _several_passes_need_a_clip(self) -> PolicyConfig:
        if self.passes > 1 and self.clip_ratio is None:
            raise ValueError(f"passes={self.passes} over one batch need a clip_ratio (0.2, say); or set passes=1")
        if self.batch_size % self.minibatches:
            raise ValueError(f"batch_size={self.batch_size} does not divide into minibatches={self.minibatches}")
        return self


class CloningConfig(Section):
    """The warm start for `share` of the run's length, by imitation.

    A conditional agent imitates random `programs`, whose renders serve as targets, or a `search`, which tries many
    strokes for each that it paints of a real picture (`actors/stroke_search.py`). An agent without a target imitates
    `parses`: how the shipped copying agent (`spiral/shipped.py`) paints real pictures. Each batch of them is gone over
    in so many `passes`: several, where demonstrations take longer to make than to learn from.
    """

    demonstrations: Literal["programs", "search", "parses"] = "programs"
    share: float = Field(default=0.0, ge=0, le=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    minibatches: Size = 1
    passes: Size = 1


class ExpertConfig(Section):
    """Expert iteration: `share` of the batches of the learning are programs that a search made better, to be imitated.

    It begins with what the agent paints, and has the commands of `simulations` episodes for each (`actors/expert.py`).
    """

    share: float = Field(default=0.0, ge=0, le=1)
    simulations: Size = 20


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
    replay: ReplayConfig = ReplayConfig()
    cloning: CloningConfig = CloningConfig()
    expert: ExpertConfig = ExpertConfig()
    rewards: tuple[RewardTerm, ...] = (RewardTerm(name="discriminator", pace=Pace(floor=5, ceiling=None)),)
    sample_temperature: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _real_pictures_are_targets_where_there_are_such(self) -> RunConfig:
        for term in self.rewards:
            if term.data is not None and self.agent.conditional:
                raise ValueError(
                    f"rewards.{term.name}.data={term.data!r}: with agent.conditional=true the real pictures are the "
                    "targets themselves; leave data out, or set agent.conditional=false"
                )
        return self

    @model_validator(mode="after")
    def _what_is_begun_has_a_target(self) -> RunConfig:
        if self.data.begun and not self.agent.conditional:
            raise ValueError(
                "data.begun=true: what is begun is a copy of a target; set agent.conditional=true, or data.begun=false"
            )
        return self

    @model_validator(mode="after")
    def _cloning_fits_the_agent(self) -> RunConfig:
        if self.cloning.share and self.agent.conditional == (self.cloning.demonstrations == "parses"):
            raise ValueError(
                f"cloning.demonstrations={self.cloning.demonstrations} do not fit agent.conditional="
                f"{str(self.agent.conditional).lower()}: an agent with targets imitates programs or a search, one "
                "without them parses; or set cloning.share=0"
            )
        if self.cloning.minibatches > self.policy.batch_size:
            raise ValueError(
                f"cloning.minibatches={self.cloning.minibatches} are more than policy.batch_size="
                f"{self.policy.batch_size} episodes; give {self.policy.batch_size} at most"
            )
        return self

    @model_validator(mode="after")
    def _a_search_has_a_target_and_begins_on_an_empty_canvas(self) -> RunConfig:
        if self.expert.share and not self.agent.conditional:
            raise ValueError(
                f"expert.share={self.expert.share}: a search makes copies of a target better; set "
                "agent.conditional=true, or expert.share=0"
            )
        if self.expert.share and self.data.begun:
            raise ValueError(
                f"expert.share={self.expert.share} with data.begun=true: a search begins on an empty canvas; set "
                "data.begun=false, or expert.share=0"
            )
        return self

    def with_changes(self, changes: dict[str, Any]) -> RunConfig:
        """The same settings with some replaced; keys are dotted paths such as `policy.entropy`.

        A reward goes by its name or its place: `rewards.l2.weight`, `rewards.0.weight`; the second `l2` is `l2-2`.

        Raises:
            ConfigError: for an unknown name or a value that is not allowed.
        """
        document = self.model_dump(mode="json")
        for path, value in changes.items():
            *parents, leaf = path.split(".")
            section: Any = document
            for depth, name in enumerate(parents):
                section = _section(section, name)
                if section is None or isinstance(section, list) and depth + 1 == len(parents):
                    raise ConfigError(
                        f"no setting {path!r}: {'.'.join(parents[: depth + 1])!r} is no section"
                        + _own_of_a_reward(self, path)
                    )
            section[leaf] = value
        return parse_config(document)


def _own_of_a_reward(config: RunConfig, path: str) -> str:
    """Where the settings of a reward are, if the path begins with the name of one."""
    name, *rest = path.split(".")
    if all(name != term.name for term in config.rewards) or not rest:
        return ""
    inner = rest if rest[0] in ("from", *RewardTerm.model_fields) else ["options", *rest]
    return f"; that of the reward is rewards.{name}.{'.'.join(inner)}"


def _section(document: dict[str, Any] | list[dict[str, Any]], name: str) -> Any:
    """What `name` leads to in a section, or in a list of sections by name or place; None where that is no section."""
    if isinstance(document, dict):
        return document[name] if isinstance(document.get(name), dict | list) else None
    names = [term.get("name") for term in document]
    for place, own in enumerate(names):
        before = names[:place].count(own)
        if name in (str(place), f"{own}-{before + 1}" if before else own):
            return document[place]
    return None


def parse_config(document: dict[str, Any]) -> RunConfig:
    """The settings in `document` (plain JSON values).

    Raises:
        ConfigError: naming every setting that is wrong, the value given, and what is allowed.
    """
    return parse_section(RunConfig, document)
