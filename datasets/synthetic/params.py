"""The parameters of the synthetic dataset."""

from dataclasses import dataclass

from mebench.errors import ConfigError, unknown

LONGEST_MICRO = 0.5
"""Seconds that a micro-expression lasts at most (Yan et al. 2013, doi 10.1007/s10919-013-0159-8)."""
MARGIN = 0.3
"""Seconds at the start and end of a video without labelled expressions."""

EXPRESSIONS = ("apart", "samm_lv")
"""Kinds of drawn expressions: see `Params.expressions`."""
LONGEST_AS_SAMM_LV = 3.3
"""Seconds of the longest expression of `expressions=samm_lv`."""

MOST_ENCODED = 1 << 30
"""Bytes of the frames of a video that goes through an encoder."""


@dataclass(frozen=True)
class Params:
    """The drawn people, videos and movements. The defaults are the preset `default`.

    Attributes:
        seed: every random choice derives from it.
        subjects: number of faces.
        videos: videos per subject.
        frames: frames per video.
        fps: frames per second.
        size: height and width of a frame, pixels.
        face: width of the face as a fraction of the frame.
        micro_max: a video has 0 to `micro_max` micro-expressions, each number equally likely.
        micros: micro-expressions per minute, in place of `micro_max`; None for that.
        short_videos: every video has exactly one micro-expression and no macro-expression.
        expressions: `apart`: micro-expressions last 0.2 to 0.5 s at `intensity`, macro-expressions 0.7 to 2.5 s at 0.3
            to 0.8 of the full action unit, with nothing between. `samm_lv`: lengths of both as annotated in SAMM Long
            Videos, and strengths as its coders noted, so that the kinds touch in length and overlap in strength; FACS
            levels A to E divide `intensity` at equal ratios.
        intensity: range of a micro-expression's strength, as a fraction of the full action unit; with `expressions=samm_lv` that of all.
        amplitude: multiplies the movement of micro-expressions; 0 takes it away and keeps the labels (null control).
        macros: macro-expressions per minute; 0 for none.
        blinks: blinks per minute.
        twitches: slow, faint, unlabelled action units per minute.
        speech: probability that a person talks for a while in a video, away from expressions.
        talking: share of the time in which a person speaks in phrases of irregular syllables and nods at some, also during expressions.
        head: root mean square of the head's translation, pixels on a face 115 pixels wide.
        rotation: root mean square of the head's rotation in the image plane, degrees.
        yaw: root mean square of the head's turning and nodding, degrees.
        camera: distance of the camera in widths of the face, for perspective; 0 for one that is far away.
        flicker: strength of the light's drift and flicker, relative.
        noise: standard deviation of the sensor's noise, grey levels.
        texture: contrast of the skin's texture; 1 is smooth.
        crf: the frames are encoded as H.264 with this constant rate factor and decoded again, as recordings mostly are:
            1 (good) to 51 (23 is the usual default of encoders); 0 leaves them unchanged. Takes an even `size`.
        label_jitter: annotators' error of onset, apex and offset, uniform in plus or minus this many frames.
        coder_error: standard deviation of a further error of onset, apex and offset, seconds: where people differ on an edge.
        landmark_noise: standard deviation of the published landmarks of the first frame, pixels.
        oracle: allow `oracle_landmarks`, the true landmarks of every frame, which give the answer away.
    """

    seed: int = 0
    subjects: int = 10
    videos: int = 3
    frames: int = 300
    fps: float = 30.0
    size: int = 192
    face: float = 0.6
    micro_max: int = 6
    micros: float | None = None
    short_videos: bool = False
    expressions: str = "apart"
    intensity: tuple[float, float] = (0.10, 0.18)
    amplitude: float = 1.0
    macros: float = 5.0
    blinks: float = 12.0
    twitches: float = 4.0
    speech: float = 0.15
    talking: float = 0.0
    head: float = 0.45
    rotation: float = 0.15
    yaw: float = 0.3
    camera: float = 0.0
    flicker: float = 0.008
    noise: float = 1.2
    texture: float = 2.0
    crf: int = 0
    label_jitter: int = 1
    coder_error: float = 0.0
    landmark_noise: float = 1.0
    oracle: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        object.__setattr__(self, "intensity", tuple(self.intensity))
        for name, low, high in _RANGES:
            _within(name, getattr(self, name), low, high)
        if len(self.intensity) != 2 or not 0 <= self.intensity[0] <= self.intensity[1] <= 1:
            raise ConfigError(
                f"dataset.intensity is {list(self.intensity)}, but must be two rising fractions of the full action "
                "unit within [0, 1], for example dataset.intensity=[0.1,0.18]"
            )
        if self.expressions not in EXPRESSIONS:
            raise ConfigError(unknown("dataset.expressions", self.expressions, EXPRESSIONS))
        if self.expressions != "apart" and not self.intensity[0]:
            raise ConfigError(
                f"dataset.intensity is {list(self.intensity)}, but must begin above 0 with dataset.expressions={self.expressions}, whose "
                "levels lie at equal ratios: for example dataset.intensity=[0.05,0.8]"
            )
        if self.micros is not None and not 0 < self.micros <= 60:
            raise ConfigError(
                f"dataset.micros is {self.micros} a minute, but must lie above 0 and be at most 60: for videos without "
                "micro-expressions take dataset.micro_max=0 and leave dataset.micros out"
            )
        if self.micros is not None and self.short_videos:
            raise ConfigError(
                f"dataset.micros={self.micros} contradicts dataset.short_videos=true, where every video holds one "
                "micro-expression: leave one of them out"
            )
        if 0 < self.camera < 2:
            raise ConfigError(
                f"dataset.camera is {self.camera}, but must be 0 or at least 2 widths of the face: nearer, the face would not be seen whole"
            )
        if self.crf and (self.size % 2 or self.frames * self.size**2 * 3 > MOST_ENCODED):
            raise ConfigError(
                f"dataset.crf={self.crf} takes an even dataset.size and videos of at most {MOST_ENCODED >> 20} MiB, but these "
                f"have {self.frames} frames of {self.size}x{self.size} pixels: make dataset.size or dataset.frames smaller"
            )
        longest, kind = LONGEST_MICRO, "micro"
        if self.expressions == "samm_lv" and self.macros and not self.short_videos:
            longest, kind = LONGEST_AS_SAMM_LV, "macro"
        shortest = longest + 2 * MARGIN + 0.2
        if self.frames / self.fps < shortest:
            raise ConfigError(
                f"{self.frames} frames at {self.fps:g} per second last {self.frames / self.fps:.2f} s, too short for "
                f"a {kind}-expression of {longest:g} s: take at least dataset.frames={int(shortest * self.fps) + 1}"
            )


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**32 - 1),
    ("subjects", 1, 999),
    ("videos", 1, 99),
    ("frames", 1, 100_000),
    ("fps", 20, 1000),
    ("size", 64, 1024),
    ("face", 0.3, 0.7),
    ("micro_max", 0, 50),
    ("amplitude", 0, 5),
    ("camera", 0, 100),
    ("macros", 0, 60),
    ("blinks", 0, 60),
    ("twitches", 0, 60),
    ("speech", 0, 1),
    ("talking", 0, 0.95),
    ("head", 0, 10),
    ("rotation", 0, 10),
    ("yaw", 0, 10),
    ("flicker", 0, 0.1),
    ("noise", 0, 20),
    ("texture", 0, 5),
    ("crf", 0, 51),
    ("label_jitter", 0, 20),
    ("coder_error", 0, 1),
    ("landmark_noise", 0, 20),
)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(
            f"dataset.{name} is {value}, but must lie in [{low:g}, {high:g}]: choose a value in that range"
        )
