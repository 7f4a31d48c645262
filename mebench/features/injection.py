"""Micro-expressions of known place and strength, put into films of real faces.

The skin is displaced smoothly, by the fields of action units (`mebench.features.action_units`) at this person's landmarks, in coordinates
that follow the head. Strength is the largest displacement of this smooth movement at the apex, as a share of the distance between the eyes'
centres; patches of skin move more or less around it. The frames of onset and offset and all outside stay as they are, to the bit. A sham is
displaced and back: resampled and unmoved, so that a spotter that finds it finds the method and not the movement. Everything follows from a
seed, the name of the film, and `VERSION`.

Wrinkles, lids and parted lips do not move, shading only on demand, and the noise of the film's own codec moves along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames, stable_seed
from mebench.features.action_units import UNITS, Fields, Floats, make_fields
from mebench.features.activity import ACTIVITIES, Activity, activity_at, find_activities, measure_face_motion
from mebench.features.base import Image, dlib_version, opencv_version
from mebench.features.boxes import FloatBox, enlarge_box
from mebench.features.cuts import LEAST_CORRELATION, correlate_crops
from mebench.features.face_detection import MISSES, find_stretches_without_face
from mebench.features.faces import HEAD, FaceCrop, box_to_crop, warp_to_crop
from mebench.features.gray_frames import Gray, to_gray
from mebench.features.landmarks import (
    FaceTracker,
    box_of_vector,
    hold_still_boxes,
    predicted_landmarks,
    predictor_identity,
    require_predictor,
    smooth_vectors,
)
from mebench.files import whole_file
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

VERSION = 2
"""Version of the pixels and of the places, raised when either changes."""
COURSE_VERSION = 1
"""Version of the way in which a face is followed."""
EXPRESSIONS: Mapping[str, tuple[int, ...]] = {
    "1+2": (1, 2), "1+4": (1, 4), "4": (4,), "6+12": (6, 12), "12 one side": (12,), "2 one side": (2,), "9": (9,), "10": (10,),
    "14 one side": (14,), "15": (15,), "17": (17,), "24": (24,),
}  # fmt: skip
"""The action units of each expression that is drawn; those of one side move half of the face."""
STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Largest displacement of the smooth movement at the apex, per cent of the distance between the eyes' centres."""
SECONDS = (0.36, 0.08, 0.2, 0.5)
"""Mean, standard deviation, least and most seconds from onset to offset."""
RISE = (0.35, 0.5)
"""Least and most share of the length from onset to apex: the onset is shorter than the offset."""
APART = 1.1
"""Seconds from one to the next at least, and to both ends of the film and to places that are left out."""
SPACINGS = 2
"""Mean time from the onset of one to the next onset, in times of what they are apart at least."""
SPACING = SPACINGS * APART
"""The same in seconds."""
FIRST_WITHIN = 0.8
"""Seconds within which the first one begins, after the free seconds at the beginning."""
STEEPEST = 0.7
"""Largest gradient of a displacement: at 1 the skin would fold. First its patches are evened out, then it is weakened."""
STABLE = (0, 1, 2, 14, 15, 16, *range(27, 36), 36, 39, 42, 45)
"""Landmarks that hardly move with an expression."""
NARROW = 0.7
"""Width of a displacement, as a share of that on drawn faces, whose bumps are broader than real movements."""
GRAIN = 0.08
"""Width in face widths of the patches of skin that move more, less or another way than those around them."""
UNEVEN, ASTRAY = 0.6, 0.2
"""Standard deviation of the logarithm of how much a patch moves, and motion astray, as a share of the largest displacement."""
GRAINS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of `UNEVEN` and `ASTRAY` that are tried in this order, until the skin does not fold."""
REACH = 0.15
"""Width in face widths of the surroundings of a displacement in which skin moves astray."""
CANVAS, WIDTH = 224, 105
"""Height and width of the canvas of a field, and the width of the face on it, in pixels."""
UNMOVED = 0.02
"""Pixels below which a place counts as unmoved and keeps its value."""
SMOOTHED_SECONDS = 0.2
"""Seconds over which landmarks are averaged."""


@dataclass(frozen=True)
class Injection:
    """One micro-expression put into a film.

    Attributes:
        expression: key of `EXPRESSIONS`.
        side: 0 for the left half of the picture, 1 for the right, None for both.
        strength: largest displacement of the smooth movement at the apex, per cent of the distance between the eyes.
        onset: last frame at rest.
        apex: strongest frame.
        offset: first frame at rest again.
        activity: activity of the person meanwhile.
    """

    expression: str
    side: int | None
    strength: float
    onset: int
    apex: int
    offset: int
    activity: Activity = "still"

    @property
    def units(self) -> tuple[str, ...]:
        """As FACS coders write them: `L` and `R` are the subject's own left and right."""
        prefix = "" if self.side is None else "RL"[self.side]
        return tuple(f"{prefix}{unit}" for unit in EXPRESSIONS[self.expression])

    def strength_at(self, frame: int) -> float:
        """The displacement in a frame, per cent: a raised cosine up to the apex and down; 0 at onset and offset."""
        if not self.onset < frame < self.offset:
            return 0.0
        rises = (frame - self.onset) / (self.apex - self.onset)
        falls = (self.offset - frame) / (self.offset - self.apex)
        phase = min(rises, falls)
        return self.strength * (0.5 - 0.5 * float(np.cos(np.pi * phase)))


@dataclass(frozen=True)
class FaceCourse:
    """The way of one face through a film.

    Attributes:
        landmarks: 68 points in each frame, smoothed over time, (n, 68, 2) pixels.
        usable: frames in which the face is followed and no cut is near, (n,).
        activities: stretches in which the person speaks or turns, see `find_activities`.
    """

    landmarks: NDArray[np.float64]
    usable: NDArray[np.bool_]
    activities: tuple[tuple[int, int, Activity], ...] = ()

    @cached_property
    def maps(self) -> NDArray[np.float64]:
        """The affine map from face coordinates to pixels in each frame, (n, 2, 3). Face coordinates are in face widths."""
        canonical = HEAD[list(STABLE), :2] / HEAD_WIDTH
        design = np.column_stack([canonical, np.ones(len(STABLE))])
        solved = [np.linalg.lstsq(design, points[list(STABLE)], rcond=None)[0].T for points in self.landmarks]
        return np.stack(solved)

    @cached_property
    def own_points(self) -> NDArray[np.float64]:
        """This person's 68 points at rest, the median over the film, (68, 2) face widths."""
        turn, shift = self.maps[:, :, :2], self.maps[:, :, 2]
        back = np.linalg.inv(turn)
        points = np.einsum("nij,nkj->nki", back, self.landmarks - shift[:, None])
        return np.asarray(np.median(points, axis=0))

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes' centres in face widths."""
        return _eye_distance(self.own_points)

    @property
    def eye_pixels(self) -> float:
        """Median distance between the eyes' centres in pixels."""
        return float(np.median([_eye_distance(points) for points in self.landmarks]))

    @property
    def main_activity(self) -> Activity:
        """What the person does in most frames."""
        done = [activity_at(self.activities, frame) for frame in range(len(self.landmarks))]
        return max(ACTIVITIES, key=done.count)

    def write(self, path: Path) -> None:
        """Write the course into a file, whole or not at all."""
        with whole_file(path) as place, place.open("wb") as file:
            stretches = np.array(
                [(first, last, ACTIVITIES.index(what)) for first, last, what in self.activities], np.int64
            )
            np.savez_compressed(file, landmarks=self.landmarks, usable=self.usable, activities=stretches.reshape(-1, 3))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a course from its file.

        Raises:
            OSError, ValueError, KeyError: there is none, or it is damaged.
        """
        with np.load(path, allow_pickle=False) as stored:
            stretches = stored["activities"].tolist()
            activities = tuple((first, last, ACTIVITIES[what]) for first, last, what in stretches)
            return cls(stored["landmarks"], stored["usable"], activities)


HEAD_WIDTH = float(HEAD[16, 0] - HEAD[0, 0])
"""Width of the general face in mm."""


def _eye_distance(points: NDArray[np.float64]) -> float:
    """Distance between the centres of the eyes."""
    return float(np.linalg.norm(points[42:48].mean(0) - points[36:42].mean(0)))


@lru_cache(maxsize=64)
def _courses_in_memory(file: Path) -> FaceCourse | None:
    """A course that was stored; None if there is none or it is damaged."""
    try:
        return FaceCourse.read(file)
    except (OSError, ValueError, KeyError):
        return None


def keep_course(frames: Frames, fps: float, label: str, cache: Path) -> FaceCourse:
    """The way of the face of a film. It is followed once and kept in the store of features.

    Args:
        frames: frames of the film.
        fps: frames per second.
        label: name of the film in messages.
        cache: folder of the store.

    Raises:
        DataError: there is no face, or no predictor of landmarks.
    """
    predictor = require_predictor(None, label, "putting expressions into a film", "")
    facts = (COURSE_VERSION, frames.fingerprint(), fps, opencv_version(), dlib_version(), predictor_identity(predictor))
    file = cache / "courses" / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.npz"
    known = _courses_in_memory(file)
    if known is not None:
        return known
    _courses_in_memory.cache_clear()
    course = follow_face(frames, fps, label)
    with suppress(OSError):  # a store that cannot be written costs time, not the answer
        file.parent.mkdir(parents=True, exist_ok=True)
        course.write(file)
    return course


def follow_face(frames: Frames, fps: float, label: str, crop: FaceCrop | None = None) -> FaceCourse:
    """Follow the largest face of a film and its landmarks.

    Args:
        frames: frames of the film.
        fps: frames per second.
        label: name of the film in messages.
        crop: how the face is found and its box smoothed; by default the box follows the head.

    Raises:
        DataError: there is no face, or no predictor of landmarks.
    """
    crop = crop or FaceCrop(track="frame")
    predictor = require_predictor(crop.landmarks, label, "putting expressions into a film", "")
    reference = crop.locate(frames, None, label)
    tracker = FaceTracker(reference.frame, reference.face, crop.detect_faces, crop.smallest)

    points = []
    likeness = [1.0]

    def follow() -> Iterator[tuple[Gray, NDArray[np.float64]]]:
        """Each frame with the box of the face."""
        for index in range(len(frames)):
            gray = to_gray(frames[index], index, label)
            yield gray, np.array(tracker.follow(gray), np.float64)

    def find_points() -> Iterator[tuple[Gray, NDArray[np.float64]]]:
        """The same with smoothed boxes; their landmarks are kept, and how alike neighbouring frames are."""
        before: tuple[Gray, FloatBox] | None = None
        for gray, vector in smooth_vectors(follow(), crop.smoothing):
            box = box_of_vector(vector)
            points.append(predicted_landmarks(predictor, gray, box))
            if before is not None:
                likeness.append(_likeness(before, gray))
            before = gray, box
            yield gray, vector

    held = smooth_vectors(hold_still_boxes(find_points()), crop.smoothing)  # as a spotter sees the face
    crops = [warp_to_crop(gray, box_to_crop(box_of_vector(vector), crop.size), crop.size) for gray, vector in held]
    window = 2 * round(SMOOTHED_SECONDS * fps / 2) + 1
    smoothed = np.stack([vector for _, vector in smooth_vectors(((None, one) for one in points), window)])
    stack = np.stack(crops)
    usable = _usable_frames(stack, np.array(likeness), fps, reference.frame)
    return FaceCourse(smoothed, usable, find_activities(measure_face_motion(stack, fps), fps))


def _likeness(before: tuple[Gray, FloatBox], gray: Gray) -> float:
    """Correlation of two neighbouring frames in the box of the first one."""
    gray_before, box = before
    place = box_to_crop(enlarge_box(box, 0.1), 64)
    return correlate_crops(warp_to_crop(gray_before, place, 64), warp_to_crop(gray, place, 64))


def _usable_frames(
    crops: NDArray[np.uint8], likeness: NDArray[np.float64], fps: float, found: int
) -> NDArray[np.bool_]:
    """Frames with a face, from the one where it was found. Those within `APART` of a cut are left out."""
    usable = np.ones(len(crops), np.bool_)
    usable[:found] = False
    if len(crops) >= MISSES:
        for first, last in find_stretches_without_face(crops, fps):
            usable[first : last + 1] = False
    reach = round(APART * fps)
    for cut in np.flatnonzero(likeness < LEAST_CORRELATION).tolist():
        usable[max(cut - reach, 0) : cut + reach] = False
    return usable


def draw_injections(
    course: FaceCourse,
    fps: float,
    key: str,
    seed: int = 0,
    copy: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    apart: float = APART,
) -> tuple[Injection, ...]:
    """Injections at random places of a film, by time.

    Each has a random expression, side, length and strength, and keeps `apart` seconds to the next, to both ends, and to frames in which no
    face is followed. Strengths come in turn, in an order drawn for each round, so that each is as frequent.

    Args:
        course: way of the face.
        fps: frames per second.
        key: name of the film.
        seed: seed of the whole set.
        copy: number of the copy.
        strengths: per cent of the distance between the eyes.
        apart: seconds from one to the next at least; half of the longest expression or more.
    """
    random = np.random.default_rng(stable_seed("injection", VERSION, seed, key, copy))
    person = PersonFields(course, key, seed)
    mean, spread, shortest, longest = SECONDS
    found: list[Injection] = []
    waiting: list[float] = []
    last = len(course.landmarks) - apart * fps
    first_room = max(min(FIRST_WITHIN, last / fps - apart - longest), 0.0)
    start = (apart + random.uniform(0, first_room)) * fps
    while True:
        length = max(4, round(float(np.clip(random.normal(mean, spread), shortest, longest)) * fps))
        rise = max(2, round(length * random.uniform(*RISE)))
        expression = str(random.choice(list(EXPRESSIONS)))
        side = int(random.integers(2)) if "side" in expression else None
        waiting = waiting or random.permutation(np.asarray(strengths)).tolist()
        onset = round(start)
        if onset + length >= last:
            return tuple(found)
        around = slice(max(round(onset - apart * fps / 2), 0), round(onset + length + apart * fps / 2))
        if not course.usable[around].all():
            start += 0.25 * fps
            continue
        activity = activity_at(course.activities, onset + rise)
        one = Injection(expression, side, waiting.pop(), onset, onset + rise, onset + length, activity)
        found.append(replace(one, strength=min(one.strength, person.field(one).most)))
        longest_gap = 2 * SPACINGS * apart - apart - length / fps
        start += length + random.uniform(apart, longest_gap) * fps


@dataclass(frozen=True)
class UnitField:
    """What an expression of strength 1 does on the canvas.

    Attributes:
        push: displacement in distances between the eyes, (CANVAS, CANVAS, 2). The smooth movement in it, by least squares, is 1 at most.
        shade: relative change of brightness, (CANVAS, CANVAS).
        steepest: largest gradient of the displacement.
    """

    push: Floats
    shade: Floats
    steepest: float

    @property
    def most(self) -> float:
        """The largest strength that does not fold the skin, per cent."""
        return 100 * STEEPEST / self.steepest


class PersonFields:
    """The fields of one person: of the action units at this person's landmarks.

    Args:
        course: way of the face.
        key: name of the film.
        seed: seed of the whole set.
    """

    def __init__(self, course: FaceCourse, key: str, seed: int = 0) -> None:
        self.course = course
        self._seed = stable_seed("injection person", VERSION, seed, key) % 2**32
        self._fields: dict[tuple[str, int | None, int, float], UnitField] = {}

    @cached_property
    def _units(self) -> Fields:
        points = self.course.own_points
        seam = (points[[60, 61, 62, 63, 64]] + points[[60, 67, 66, 65, 64]]) / 2
        return make_fields(points, seam, np.random.RandomState([self._seed]), CANVAS, WIDTH, NARROW)

    def field(self, one: Injection) -> UnitField:
        """The field of an injection, which no other has: skin moves unevenly, and some of it astray, unless it would fold."""
        key = (one.expression, one.side, one.onset, one.strength)
        if key not in self._fields:
            self._fields[key] = self._make_field(one)
        return self._fields[key]

    def _make_field(self, one: Injection) -> UnitField:
        """The most uneven field that does not fold the skin at this strength; a smooth one if all do."""
        weights = np.zeros((len(UNITS), 2))
        for unit in EXPRESSIONS[one.expression]:
            weights[UNITS.index(unit)] = 1 if one.side is None else (1 - one.side, one.side)
        weights *= self._units.gain
        smooth = np.einsum("us,ushwc->hwc", weights, self._units.push)
        shade = np.einsum("us,ushw->hw", weights, self._units.furrows)
        patches = Patches.draw(np.random.default_rng([self._seed, one.onset]))
        for grain in GRAINS:
            field = self._scale_field(smooth, patches.add_to(smooth, grain), shade)
            if field.most >= one.strength:
                break
        return field

    def _scale_field(self, smooth: Floats, push: Floats, shade: Floats) -> UnitField:
        """A field whose smooth movement, by least squares, is 1 at most."""
        share_of_smooth = float((push * smooth).sum() / (smooth * smooth).sum())
        largest = share_of_smooth * float(np.linalg.norm(smooth, axis=2).max())
        eyes_apart = self.course.eye_distance * WIDTH  # pixels of the canvas
        scaled = push / largest
        slopes = np.stack([np.gradient(scaled[..., axis]) for axis in (0, 1)]) * eyes_apart
        steepest = float(np.sqrt((slopes**2).sum((0, 1))).max())
        return UnitField(scaled.astype(np.float32), (shade * eyes_apart / largest).astype(np.float32), steepest)


@dataclass(frozen=True)
class Patches:
    """Patches of skin that move unlike their surroundings.

    Each field is (CANVAS, CANVAS), of standard deviation 1.

    Attributes:
        amount: logarithm of how much more a place moves.
        astray_x: motion across that is not the expression's.
        astray_y: motion down that is not the expression's.
    """

    amount: Floats
    astray_x: Floats
    astray_y: Floats

    @classmethod
    def draw(cls, random: np.random.Generator) -> Self:
        """Random patches."""
        return cls(*(_smooth_noise(random) for _ in range(3)))

    def add_to(self, push: Floats, grain: float) -> Floats:
        """A displacement that differs from patch to patch, and some of whose surroundings move astray; 0 far from it.

        Args:
            push: smooth displacement, (CANVAS, CANVAS, 2).
            grain: share of `UNEVEN` and `ASTRAY`.
        """
        magnitude = np.linalg.norm(push, axis=2).astype(np.float32)
        around = cv2.GaussianBlur(magnitude, (0, 0), REACH * WIDTH)
        around = np.maximum(around / around.max() - 0.05, 0)
        most_astray = grain * ASTRAY * magnitude.max() / np.sqrt(2)
        astray = np.stack([self.astray_x, self.astray_y], axis=-1) * most_astray * around[..., None]
        grained: Floats = (push * np.exp(grain * UNEVEN * self.amount)[..., None] + astray).astype(np.float32)
        return grained


def _smooth_noise(random: np.random.Generator) -> Floats:
    """A smooth random field of standard deviation 1, (CANVAS, CANVAS)."""
    noise = random.standard_normal((CANVAS, CANVAS)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), GRAIN * WIDTH)
    return np.asarray(smooth / smooth.std(), np.float32)


class InjectedFrames:
    """The frames of a film with micro-expressions put in.

    Args:
        clean: frames of the film.
        course: way of the face.
        injections: micro-expressions that are put in.
        key: name of the film, which gives the person's way of moving.
        seed: seed of the whole set.
        shading: whether furrows darken the skin, too.
        sham: move the skin and back.
    """

    def __init__(
        self,
        clean: Frames,
        course: FaceCourse,
        injections: Sequence[Injection],
        key: str,
        seed: int = 0,
        shading: bool = False,
        sham: bool = False,
    ) -> None:
        self.clean = clean
        self.course = course
        self.injections = tuple(injections)
        self.shading = shading
        self.sham = sham
        self._identity = f"{key} {seed}"
        self._person = PersonFields(course, key, seed)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.clean)

    def __getitem__(self, index: int) -> Image:
        """Frame `index`: the film's own wherever nothing is put in."""
        frame = self.clean[index]
        for one in self.injections:
            strength = one.strength_at(index) / 100
            if strength:
                field = self._person.field(one)
                amount = np.float32(strength * self.course.eye_distance)  # face widths
                shade = field.shade * np.float32(strength) if self.shading and not self.sham else None
                return move_face(frame, self.course.maps[index], field.push * amount, shade, self.sham)
        return frame

    def fingerprint(self) -> str:
        """The fingerprint of the film's frames, with all that is put in."""
        facts = [asdict(one) for one in self.injections]
        about = repr((VERSION, self._identity, facts, self.shading, self.sham))
        return f"{self.clean.fingerprint()} {hashlib.sha256(about.encode()).hexdigest()[:16]}"


def move_face(frame: Image, face: NDArray[np.float64], push: Floats, shade: Floats | None, sham: bool) -> Image:
    """A frame with its face moved; pixels that do not move keep their values.

    Args:
        frame: (H, W[, 3]).
        face: affine map from face coordinates to pixels, (2, 3).
        push: displacement on the canvas in face widths, (CANVAS, CANVAS, 2).
        shade: relative change of brightness on the canvas, or None.
        sham: move the skin and back.
    """
    left, top, right, bottom = _region(face, frame.shape[1], frame.shape[0])
    if left >= right or top >= bottom:
        return frame
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    back = cv2.invertAffineTransform(face)
    turn = face[:, :2].T.astype(np.float32)

    def on_canvas(px: Floats, py: Floats, canvas: Floats) -> Floats:
        u = (back[0, 0] * px + back[0, 1] * py + back[0, 2]) * WIDTH + (CANVAS - 1) / 2
        v = (back[1, 0] * px + back[1, 1] * py + back[1, 2]) * WIDTH + (CANVAS - 1) / 2
        return np.asarray(
            cv2.remap(canvas, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderValue=0)
        )

    from_x, from_y = x, y
    for _ in range(3):  # where each pixel comes from: x = s + d(s), a fixed point
        shift = on_canvas(from_x, from_y, push) @ turn
        from_x, from_y = x - shift[..., 0], y - shift[..., 1]
    moved = cv2.remap(frame, from_x, from_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    if sham:
        shift = on_canvas(x, y, push) @ turn
        whole = frame.copy()
        whole[top:bottom, left:right] = moved
        moved = cv2.remap(
            whole, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
        )
    elif shade is not None:
        gain = 1 + on_canvas(from_x, from_y, shade)
        gain = gain if frame.ndim == 2 else gain[..., None]
        moved = np.clip(np.rint(moved * gain), 0, 255).astype(np.uint8)
    is_moved = np.hypot(from_x - x, from_y - y) >= UNMOVED
    result = frame.copy()
    result[top:bottom, left:right][is_moved] = moved[is_moved]
    return result


def _region(face: NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    """The edges of the pixels that the canvas covers: left, top, right and bottom, the last two exclusive."""
    half = CANVAS / 2 / WIDTH
    corners = np.array([(-half, -half, 1), (half, -half, 1), (half, half, 1), (-half, half, 1)]) @ face.T
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    return max(int(x0), 0), max(int(y0), 0), min(int(x1) + 1, width), min(int(y1) + 1, height)
