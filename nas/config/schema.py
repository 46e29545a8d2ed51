"""What a run is: a YAML file, checked whole before anything starts.

:func:`load_config` reads a file, applies overrides and returns a frozen :class:`RunConfig`. Every mistake is a
:class:`ConfigError` whose message is one line that names the file, the key, the value received and the remedy.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StrictBool,
    StringConstraints,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from gondwana.nas.candidate import Json
from gondwana.nas.config.durations import seconds_of
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.explain import MAPPING, NUMBER, describe
from gondwana.nas.config.overrides import Override, apply_overrides, parse_override
from gondwana.nas.config.presets import find_config
from gondwana.nas.config.saved_models import with_saved_models
from gondwana.nas.config.yaml_reader import YamlError, parse_yaml, read_yaml
from gondwana.nas.former_keys import renewed, with_first_defaults
from gondwana.nas.plugins import Plugin, PluginError, gathered
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.pangaea.search import PangaeaSettings, RandomSettings
from gondwana.nas.searches.planned import CompareSettings
from gondwana.nas.searches.side_by_side import SideBySideSettings
from gondwana.nas.searches.sweep import SweepSettings
from gondwana.tasks.training.recipe import Recipe

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
SearchSettings = Annotated[
    SideBySideSettings
    | CoDeepNEATConfig
    | CompareSettings
    | PangaeaSettings
    | RandomSettings
    | SweepSettings,
    Field(discriminator="kind"),
]


TimeBudget = Annotated[
    PositiveFloat | None, BeforeValidator(seconds_of, json_schema_input_type=float | str | None)
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskConfig(_Section):
    """Which task: a name registered in ``tasks`` and its options.

    ``metric``, what the fitness is in place of the task's own metric, is one of the options, and may stand beside them.
    """

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _metric(cls, data: Any) -> Any:
        if (
            not isinstance(data, Mapping)
            or "metric" not in data
            or not isinstance(data.get("options", {}), Mapping)
        ):
            return data
        rest = {key: value for key, value in data.items() if key != "metric"}
        return {**rest, "options": {**data.get("options", {}), "metric": data["metric"]}}


class Limits(_Section):
    """What one candidate may cost; None is unlimited.

    Attributes:
        max_parameters: weights of the network; a larger one is refused before training.
        max_activation_mb: estimated memory of one training batch's activations; refused before training.
        max_seconds: wall seconds of the whole evaluation; the worker is killed when they are over.
        max_memory_mb: resident memory of the worker process; it is killed when it grows beyond.
    """

    max_parameters: PositiveInt | None = None
    max_activation_mb: PositiveFloat | None = None
    max_seconds: PositiveFloat | None = None
    max_memory_mb: PositiveFloat | None = None


class Resources(_Section):
    """What Ray reserves for one worker; fractions of a GPU share it."""

    num_cpus: NonNegativeFloat = 1.0
    num_gpus: NonNegativeFloat = 0.0


class EngineConfig(_Section):
    """How candidates are evaluated. Nothing here changes what a search decides, but for those that breed whenever a
    worker is free (``mode: steady``, ``lag: null``): they depend on the order in which outcomes arrive.

    Attributes:
        pool: ``ray``; ``local`` for one evaluation at a time inside the driver's process; or ``table``, which trains
            nothing and answers from a table.
        table: file of the table that ``pool: table`` answers from.
        workers: number of worker processes; None takes as many as the cluster's resources hold.
        ray_address: ``local`` starts Ray by itself, ``auto`` joins the cluster of this machine, or ``HOST:PORT``.
        resources: reserved for each worker.
        max_retries: evaluations begun anew after a worker died, before the candidate counts as crashed.
        require_gpu: refuse to start when a worker sees no GPU.
        recycle_after: candidates after which a worker process is replaced by a fresh one.
        recycle_above_mb: resident memory after a candidate above which the worker process is replaced.
        backlog: candidates that are asked for in advance of a free worker.
        backend: what the workers compute with; None takes the environment variable ``KERAS_BACKEND``, or TensorFlow.
        batch: most candidates that are trained as one compiled program where their networks have one structure, which
            needs JAX; ``auto`` is 1 on other backends, 8 on JAX, and 32 on JAX with GPUs.
        stop_after_failures: end the run when this many evaluations in succession crash.
        dashboard: start Ray's own dashboard (with ``ray_address: local``).
        training_states_mb: most megabytes of trainings that may go on, kept in the run folder (``search.fidelity``); of
            more, the oldest are dropped and trained again if they are needed.
        tensorboard: write TensorBoard event files into the run folder.
        mlflow: also log to MLflow, which must be installed; tracking URI as in ``MLFLOW_TRACKING_URI``.
    """

    pool: Literal["ray", "local", "table"] = "ray"
    table: str | None = None
    workers: PositiveInt | None = None
    ray_address: str = "local"
    resources: Resources = Field(default_factory=Resources)
    max_retries: NonNegativeInt = 2
    require_gpu: StrictBool = False
    recycle_after: PositiveInt = 100
    recycle_above_mb: PositiveFloat | None = None
    backlog: NonNegativeInt = 1
    backend: Literal["tensorflow", "jax", "torch"] | None = None
    batch: Literal["auto"] | PositiveInt = 1
    stop_after_failures: PositiveInt = 20
    dashboard: StrictBool = False
    training_states_mb: NonNegativeFloat = 2000.0
    tensorboard: StrictBool = False
    mlflow: StrictBool = False

    @field_validator("ray_address")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value not in ("local", "auto") and not (host and port.isdigit()):
            raise ValueError("must be 'local', 'auto' or HOST:PORT")
        return value

    @model_validator(mode="after")
    def _a_table_to_answer_from(self) -> Self:
        if (self.pool == "table") != (self.table is not None):
            raise ValueError(
                f"'pool: table' and 'table: FILE' belong together. Received: pool={self.pool!r}, table={self.table!r}"
            )
        return self


class Finalists(_Section):
    """How the best networks of a search are told apart from the luckiest: trained again with seeds of their own.

    Attributes:
        count: networks that are trained again.
        seeds: trainings of each, none of them with the seed that it had in the search. The network of best mean fitness
            on the validation split is chosen; the best of its trainings is scored on the test split, once, and saved.
        epochs: of these trainings; None for as many as in the search.
    """

    count: PositiveInt = 3
    seeds: PositiveInt = 3
    epochs: PositiveInt | None = None


class RunConfig(_Section):
    """The whole config of one run.

    Attributes:
        name: for people; also part of the default run folder's name.
        seed: every random stream of the run is derived from it.
        generations: number of generations that the search works through.
        time_budget: seconds after which it ends before that, or text such as ``20m``; the training of the finalists is
            within them. None is unlimited.
        task: what the networks learn.
        training: fields of :class:`gondwana.tasks.training.recipe.Recipe`; completed with its defaults.
        limits: what one candidate may cost.
        search: settings of the search, chosen by ``kind``.
        plugins: the user's own code; ``task.file`` and ``modules`` of a search space end up here, with digests.
        engine: how candidates are evaluated.
        finalists: candidates that are trained again at the end and scored once on the test split; or
            ``{count, seeds, epochs}``, see :class:`Finalists`.
        store: None for SQLite in the run folder, or an SQLAlchemy URL of a PostgreSQL database without a password
            (which libpq takes from ``PGPASSWORD`` or ``~/.pgpass``).
    """

    name: Name
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    generations: PositiveInt = 1
    time_budget: TimeBudget = None
    task: TaskConfig
    training: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    limits: Limits = Field(default_factory=Limits)
    search: SearchSettings
    plugins: tuple[Plugin, ...] = ()
    engine: EngineConfig = Field(default_factory=EngineConfig)
    finalists: Annotated[
        Annotated[NonNegativeInt, Tag(NUMBER)] | Annotated[Finalists, Tag(MAPPING)],
        Discriminator(lambda value: MAPPING if isinstance(value, Mapping | Finalists) else NUMBER),
    ] = 1
    store: str | None = None

    @field_validator("training", mode="after")
    @classmethod
    def _training(cls, value: dict[str, Any]) -> dict[str, Any]:
        return Recipe.from_json(value).to_json()

    @field_validator("store")
    @classmethod
    def _store(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or not scheme.startswith("postgresql"):
            raise ValueError("must be postgresql+psycopg://USER@HOST/DATABASE; leave it out for SQLite")
        if (":" in rest.partition("@")[0] and "@" in rest) or "password" in rest.lower():
            raise ValueError("holds a password, which would be written into the run folder; use ~/.pgpass")
        return value

    @model_validator(mode="after")
    def _rungs_end_no_training_early(self) -> Self:
        if getattr(self.search, "fidelity", None) is not None and self.training.get("early_stopping"):
            raise ValueError(
                "'training.early_stopping' and 'search.fidelity' both decide when a training ends; leave one out"
            )
        return self

    def to_json(self) -> Json:
        """Return the whole config, defaults included, as a JSON object."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the whole config, defaults included, as YAML that :func:`load_config` reads back."""
        return yaml.safe_dump(self.to_json(), sort_keys=False, width=110, allow_unicode=True)

    def limits_json(self) -> Json:
        """Return the limits that are set, as they stand in a candidate's spec."""
        return self.limits.model_dump(mode="json", exclude_none=True)


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a config file, and load the code of the user's own that it names, relative to its folder.

    Args:
        path: YAML file, or the name of a preset (:mod:`gondwana.nas.config.presets`).
        overrides: ``key.path=value`` each; the value is YAML.

    Raises:
        ConfigError: if the file is missing, empty or not YAML, or if a key or value of it or of an override is wrong.
    """
    path = find_config(path)
    try:
        data = read_yaml(path)
    except YamlError as error:
        raise ConfigError(f"{path}: {error}") from error
    if data is None:
        raise ConfigError(
            f"{path}: the file is empty; a config needs at least the keys name, task and search"
        )
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping of keys to values. Received: a {type(data).__name__}")
    data.setdefault("name", path.stem)
    return parse_config(data, source=str(path), overrides=overrides, folder=path.parent)


def parse_config(
    data: Mapping[str, Any],
    *,
    source: str,
    overrides: Sequence[str] = (),
    folder: Path = Path(),
    recorded: bool = False,
) -> RunConfig:
    """Validate a config that is already plain data.

    Args:
        data: the config.
        source: where it is from, for error messages.
        overrides: as for :func:`load_config`.
        folder: what the paths of the user's own code are relative to.
        recorded: whether ``data`` is the config of a run that has begun, which keeps the defaults it was begun with.

    Raises:
        ConfigError: as :func:`load_config`.
    """
    changes: list[Override] = []
    for text in overrides:
        try:
            changes.append(parse_override(text, parse_yaml))
        except YamlError as error:
            raise ConfigError(f"--set {text}: {error}") from error
    try:
        begun = with_first_defaults(data) if recorded else data
        named, notes = renewed(apply_overrides(begun, changes))
        merged = with_saved_models(gathered(named, folder), folder)
    except PluginError as error:
        raise ConfigError(f"{source}: {error}") from error
    try:
        config = RunConfig.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(describe(error, RunConfig, source, changes)) from error
    for note in notes:
        warnings.warn(f"{source}: {note}", FutureWarning, stacklevel=2)
    return config
