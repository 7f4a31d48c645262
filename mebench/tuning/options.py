"""What the command line says of a tuning beside the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from mebench.errors import ConfigError


@dataclass(frozen=True)
class TuneOptions:
    """What the command line says beside the configuration.

    Attributes:
        trials: of each study.
        objectives: words for `read_objectives`.
        params: words for `read_space`.
        acts: stages for `read_space`.
        nested: one study for each outer fold, instead of one over a tuning set.
        tuning_subjects: size of the tuning set, a number or a share; None takes 0.4. Not with `nested`.
        inner_folds: of each study, at most.
        sampler: by name.
        pruner: by name.
        storage: URL, or path of a sqlite file; None takes `optuna.db` in `out`.
        study: its name; None makes one of all that must agree.
        out: folder of the studies' folders.
        heartbeat: seconds between two signs of life of a process.
    """

    trials: int = 50
    objectives: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    nested: bool = False
    tuning_subjects: float | None = None
    inner_folds: int = 5
    sampler: str = "tpe"
    pruner: str = "median"
    storage: str | None = None
    study: str | None = None
    out: str = "tuning"
    heartbeat: int = 30

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, value, least in (
            ("trials", self.trials, 1),
            ("inner-folds", self.inner_folds, 2),
            ("heartbeat", self.heartbeat, 1),
        ):
            if value < least:
                raise ConfigError(f"--{name} must be {least} or more, not {value}")
        if self.nested and self.tuning_subjects is not None:
            raise ConfigError(
                "--nested tunes in each outer fold on all who train there, --tuning-subjects once on some: choose one of them"
            )
        if self.tuning_subjects is not None and not self.tuning_subjects > 0:
            raise ConfigError(
                f"--tuning-subjects must be a number of subjects or a share, not {self.tuning_subjects:g}"
            )
