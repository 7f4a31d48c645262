"""Options that methods share, of spotting and of training by gradient; and the meanings of options from docstrings."""

import inspect
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from mebench.core.chain import check_choices as check_choices
from mebench.errors import ConfigError, refuse_if
from mebench.old_names import warn_of_old_name

Rule = Literal["paper", "released_code"]
Smoothing = Literal["average", "gaussian_1", "gaussian_3", "exponential_1", "exponential_3", "none"]
Threshold = Literal["relative", "absolute"]
Interval = Literal["fixed", "score_curve"]
Anchor = Literal["paper", "middle"]
Light = Literal["none", "gain"]
Still = Literal["lowest", "middle"]

RULES: tuple[Rule, ...] = get_args(Rule)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
"""Ways of smoothing that the command line can name."""
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


@dataclass(frozen=True)
class SpottingParams:
    """How frame scores become intervals; the defaults are MEAN's. A method's `Params` may inherit from it.

    Attributes:
        p: place of the threshold between a video's mean and maximum score (MEAN, equation 12).
        rule: smoothing and interval of the paper (MEAN, equation 11, section 3.4) or of its released code.
        smoothing: weights of the moving average (MEAN, section 5.4): equal, a Gaussian of standard deviation 1 or 3 frames,
            an exponential of decay 1 or 3 frames; or none.
        threshold: `relative` to the video's own scores by `p`; `absolute`: one threshold for all videos, learnt on the
            fold's training subjects (those held out for validation), so that a video without expressions can stay
            empty.
        interval: `fixed`, k' frames on both sides of a peak; `score_curve`, where the smoothed scores cross `curve_height`.
        half_width: multiple of k' that a fixed interval reaches to both sides of its peak, rounded to frames; smoothing and the
            distance of peaks keep k'.
        anchor: position of an interval: `paper`, around the peak of the scores, which belong to windows that begin
            there; `middle`, k'/2 frames later, around the middle of the peak's window, as the labels imply. Only for
            scores of windows; with `interval=score_curve` only for flat curves.
        curve_height: part of a peak's height at which its interval ends, for `interval=score_curve`.
        nms: largest IoU of two spotted intervals; above it only the more confident stays. Null keeps all.
        scales: multiples of k over which frames are scored; scores are their mean.
        baseline: seconds of a running median that is taken off the scores before they are smoothed, 2 for example, so that one
            absolute threshold serves people whose scores are higher all the time; null takes off nothing.
    """

    p: float = 0.55
    rule: Rule = "paper"
    smoothing: Smoothing = "average"
    threshold: Threshold = "relative"
    interval: Interval = "fixed"
    half_width: float = 1.0
    anchor: Anchor = "paper"
    curve_height: float = 0.5
    nms: float | None = None
    scales: tuple[float, ...] = (1.0,)
    baseline: float | None = None

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_choices(self)
        check_ranges(self, shares=("p",), positive=("baseline",))
        check_scales("scales", self.scales)
        refuse_if(
            (
                not 0 < self.half_width < float("inf"),
                f"method.half_width must be a number above 0, not {self.half_width}",
            ),
            (not 0 < self.curve_height < 1, f"method.curve_height must be in (0, 1), not {self.curve_height}"),
            (
                self.nms is not None and not 0 <= self.nms <= 1,
                f"method.nms must be in [0, 1], or null to keep all intervals, not {self.nms}",
            ),
            (not self.scales, "method.scales must name one multiple of k at least, not none: [1.0] is k itself"),
        )

    def only(self, names: Collection[str], where: str) -> None:
        """Refuse options without effect.

        Args:
            names: names of the options with an effect.
            where: the setting that makes the others idle, for example `method.variant=shreve`.

        Raises:
            ConfigError: another option differs from its default.
        """
        for field in fields(SpottingParams):
            value = getattr(self, field.name)
            if field.name not in names and value != field.default:
                raise ConfigError(f"method.{field.name}={value} does nothing with {where}: leave one of them out")

    def without_windows(self) -> None:
        """Refuse an anchor where frames score no windows that begin there (ConfigError)."""
        if self.anchor != "paper":
            raise ConfigError(
                f"method.anchor={self.anchor} does nothing here: this method scores no windows, so leave it out"
            )

    @classmethod
    def from_params(cls, params: Any) -> Self:
        """The spotting options among a method's parameters; `p` and `rule` of parameters that have only these."""
        if isinstance(params, cls):
            return params
        return cls(**{name: getattr(params, name) for name in ("p", "rule") if hasattr(params, name)})

    @classmethod
    def of(cls, params: Any) -> Self:
        """The former name of `from_params`."""
        warn_of_old_name("SpottingParams.of", "from_params", goes="0.5")
        return cls.from_params(params)


@dataclass(frozen=True)
class FilmParams:
    """How light and stillness enter features, for films from any camera. A method's `Params` may inherit it.

    Attributes:
        light: `gain` fits gain and offset of the brightness of two crops before their flow, so that a flickering lamp is no
            motion; `none` takes the crops unchanged.
        still: value of a channel without any motion after `MinMax`: `lowest`, 0, which for u and v also means the strongest
            motion to the left and up; `middle`, .5 for u and v and 0 for others.
    """

    light: Light = "none"
    still: Still = "lowest"

    @property
    def changed_steps(self) -> dict[str, str]:
        """The parameters of steps that these settings change, and their values."""
        values = {field.name: getattr(self, field.name) for field in fields(FilmParams)}
        return {field.name: values[field.name] for field in fields(FilmParams) if values[field.name] != field.default}


_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "at_least_one": (lambda value: value >= 1, "must be at least 1"),
    "positive": (lambda value: value > 0, "must be positive"),
    "not_negative": (lambda value: value >= 0, "must not be negative"),
    "shares": (lambda value: 0 <= value <= 1, "must be in [0, 1]"),
    "below_one": (lambda value: 0 <= value < 1, "must be in [0, 1)"),
}


def check_ranges(params: Any, **names: Collection[str]) -> None:
    """Refuse NaN and numbers outside their range; a null is not checked.

    Args:
        params: hold the numbers.
        **names: of the parameters: `at_least_one`, `positive`, `not_negative`, `shares` (in [0, 1]) and `below_one` (in
            [0, 1)).

    Raises:
        ConfigError: the first that lies outside.
    """
    for kind, keys in names.items():
        inside, words = _RANGES[kind]
        stated = [(name, getattr(params, name)) for name in keys]
        values = {name: value for name, value in stated if value is not None}
        refuse_if(*((not inside(value), f"method.{name} {words}, not {value}") for name, value in values.items()))


def check_scales(name: str, scales: tuple[float, ...]) -> None:
    """Refuse multiples of a gap that are not above 0 or repeated (ConfigError)."""
    if any(not 0 < scale < float("inf") for scale in scales) or len(set(scales)) < len(scales):
        raise ConfigError(f"method.{name} must be numbers above 0, each once, not {list(scales)}")


def attribute_meanings(cls: type) -> dict[str, str]:
    """The `Attributes:` of the docstrings of a class and of those it inherits from: name and meaning."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, listing = inspect.cleandoc(vars(base).get("__doc__") or "").partition("Attributes:\n")
        listing = listing.split("\n\n")[0]
        entries = re.findall(r"^ {4}(\w+)(?: \([^)]*\))?: (.*(?:\n {5,}.*)*)", listing, flags=re.MULTILINE)
        meanings |= {name: " ".join(meaning.split()) for name, meaning in entries}
    return meanings


@dataclass(frozen=True)
class MacroParams:
    """How a network that scores windows learns macro-expressions. A method's `Params` may inherit it.

    Attributes:
        macro: frames of macro-expressions as negative examples (`negative`), as in the paper; or as a `class`
            with a score of its own, whose mean over the neighbourhood is taken off the score of micro-expressions.
    """

    macro: Literal["negative", "class"] = "negative"

    def __post_init__(self) -> None:
        """Refuse weights whose network has no such class."""
        if self.macro == "class" and getattr(self, "weights", None) is not None:
            raise ConfigError(
                "method.macro=class is learnt, and method.weights are of networks without it: leave one of both out"
            )

    @property
    def learnt(self) -> tuple[str, ...]:
        """The kinds that the network of micro-expressions scores, these first."""
        return ("micro", "macro") if self.macro == "class" else ("micro",)


ClassWeight = Literal["none", "balanced"]
Loss = Literal["paper", "focal"]


@dataclass(frozen=True)
class TrainingParams:
    """Options for few and unbalanced samples; the defaults change nothing. A method's `Params` may inherit them.

    Attributes:
        class_weight: `balanced` weighs the samples of a class by n / (classes x samples of the class); `none` all alike.
        loss: loss of the paper, or the `focal` loss (Lin et al. 2017, equation 5), under which well classified samples
            count little; spotting scores are then probabilities.
        focal_gamma: exponent of the focal loss, at least 0.
        flip: train on mirrored faces too, whose horizontal motion changes its sign.
        tempo: train on slower and faster expressions too: flow over these multiples of the gap between two frames, of k in
            spotting and of the way from onset to apex in recognition, for example [0.5, 0.75].
    """

    class_weight: ClassWeight = "none"
    loss: Loss = "paper"
    focal_gamma: float = 2.0
    flip: bool = False
    tempo: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_choices(self)
        check_ranges(self, not_negative=("focal_gamma",))
        check_scales("tempo", self.tempo)
        if 1 in self.tempo:
            raise ConfigError("method.tempo must not hold 1, which is trained on anyway: name other multiples")


def learns_threshold(params: object) -> bool:
    """Whether a method learns one absolute threshold for all videos: `threshold` of `SpottingParams` or its own parameter of that name."""
    return getattr(params, "threshold", None) == "absolute"
