"""The synthetic dataset: a script for every video, and frames that are drawn when asked for."""

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Distractor, Frames, SubjectKey, Video
from mebench.errors import DataError
from mebench.features import processor
from mebench.frames.videofile import CLOCK, pixels, x264
from mebench.lazy_imports import load_lazily
from mebench.spotting import stretches

from .emotions import SCHEMES
from .events import label, write_script
from .nuisance import change_light, head_motion, move_head
from .params import Params as SyntheticParams
from .render import State, Subject, draw, expose, landmarks, make_subject
from .streams import Purpose, stream

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

GENERATOR = 1
"""Raised when the pixels change."""

_NOT_IN_PIXELS = ("subjects", "videos", "label_jitter", "coder_error", "landmark_noise", "oracle")
_LATER = {"crf": 0, "micros": None, "expressions": "apart", "camera": 0.0, "talking": 0.0}
"""Parameters newer than the first drawn faces, with the values that leave these unchanged."""


class SyntheticFrames:
    """The frames of one video, each drawn from integers alone: the same pixels in any order and process."""

    def __init__(self, params: SyntheticParams, subject: int, video: int) -> None:
        self._params = params
        self._place = (subject, video)

    def __len__(self) -> int:
        """Number of frames."""
        return self._params.frames

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index`, (H, W, 3) in B, G, R order.

        Raises:
            IndexError: the index is outside [0, len).
        """
        params, (subject, video), state = self._params, self._place, self.state(index)
        if params.crf:
            return _encoded(params, subject, video)[index]
        picture = draw(self.subject(), state)
        return expose(picture, params.noise, stream(Purpose.NOISE, params.seed, subject, video, index))

    def fingerprint(self) -> str:
        """Hash of everything that the pixels depend on; no frame is drawn for it."""
        params = {
            name: value
            for name, value in dataclasses.asdict(self._params).items()
            if name not in _NOT_IN_PIXELS and (name not in _LATER or value != _LATER[name])
        }
        libraries = [cv2.__version__, processor()]
        if self._params.crf:
            libraries.append(f"av {version('av')} {x264(self._params.crf)}")
        identity = json.dumps([GENERATOR, *libraries, params, self._place], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    def subject(self) -> Subject:
        """The person with this face."""
        params = self._params
        return make_subject(params.seed, self._place[0], params.size, params.face, params.texture)

    def state(self, index: int) -> State:
        """The content of frame `index`.

        Raises:
            IndexError: the index is outside [0, len).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} does not exist: the video has frames 0 to {len(self) - 1}")
        script = write_script(self._params, *self._place)
        head, light = move_head(self._params, *self._place), change_light(self._params, *self._place)
        return State(
            strengths=self._params.amplitude * script.micro[index] + script.other[index],
            blink=float(script.blinks[index]),
            pose=head.matrix(index, self._params.size),
            yaw=float(head.yaw[index]),
            pitch=float(head.pitch[index]),
            gain=float(light.gain[index]),
            tilt=float(light.tilt[index]),
            camera=self._params.camera * self._params.face * self._params.size,
        )


class _Encoded:
    """The frames of one video as a player shows its file, encoded as far as requested; the encoder reads some frames
    ahead.
    """

    def __init__(self, drawn: SyntheticFrames, params: SyntheticParams) -> None:
        self._shown: list[NDArray[np.uint8]] = []
        self._coming = self._through_codec(drawn, params)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        while len(self._shown) <= index:
            self._shown.append(next(self._coming))
        return self._shown[index].copy()

    @staticmethod
    def _through_codec(drawn: SyntheticFrames, params: SyntheticParams) -> Iterator[NDArray[np.uint8]]:
        import av
        from av.video.reformatter import VideoReformatter

        reformatter = VideoReformatter()
        encoder, decoder = av.VideoCodecContext.create("libx264", "w"), av.VideoCodecContext.create("h264", "r")
        encoder.height = encoder.width = params.size
        encoder.pix_fmt, encoder.options = "yuv420p", x264(params.crf)
        encoder.framerate, encoder.time_base = Fraction(params.fps).limit_denominator(1001), Fraction(1, CLOCK)
        for index in range(len(drawn) + 1):
            picture = None  # the end
            if index < len(drawn):
                picture = av.VideoFrame.from_ndarray(drawn[index], format="bgr24")
                picture.pts, picture.time_base = round(index / params.fps * CLOCK), Fraction(1, CLOCK)
            packets = encoder.encode(picture)
            for packet in packets if picture else [*packets, None]:
                for frame in decoder.decode(packet):
                    yield pixels(frame, reformatter)


class _LastRead(threading.local):
    """The encoded video that each thread read last: two threads that shared one would begin their videos again and again."""

    place: tuple[SyntheticParams, int, int] | None = None
    video: _Encoded


_LAST_READ = _LastRead()


def _encoded(params: SyntheticParams, subject: int, video: int) -> _Encoded:
    place = (params, subject, video)
    if _LAST_READ.place != place:
        drawn = SyntheticFrames(dataclasses.replace(params, crf=0), subject, video)
        _LAST_READ.place, _LAST_READ.video = place, _Encoded(drawn, params)
    return _LAST_READ.video


class Synthetic(Dataset):
    """Drawn faces, moved by action units; a stand-in without a download."""

    Params = SyntheticParams
    revision = "2"
    tasks = frozenset({"spot", "recognize"})
    kinds = ("micro", "macro")
    schemes = SCHEMES
    comparable = False
    params: SyntheticParams

    def __init__(self, params: SyntheticParams) -> None:
        super().__init__(params)
        self.one_per_video = params.short_videos
        self._places = {
            f"synthetic/s{subject + 1:03d}/v{video + 1:02d}": (subject, video)
            for subject in range(params.subjects)
            for video in range(params.videos)
        }

    @property
    def remark(self) -> str:  # type: ignore[override]
        """Why scores on this dataset are not shown with published ones."""
        micro = sum(e.kind == "micro" for place in self._places.values() for e in label(self.params, *place))
        rate = micro / (len(self._places) * self.params.frames / self.params.fps / 60)
        real = (
            "as many as real recordings have" if rate < 5 else "far denser than any real recording"
        )  # SAMM Long Videos: 3.9
        return (
            f"synthetic faces with {rate:.0f} micro-expressions per minute, {real}: scores rank methods here but cannot be "
            "compared with published ones"
        )

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key."""
        params, listed = self.params, []
        for key, place in self._places.items():
            dataset, subject, name = key.split("/")
            # Blinks, speech, twitches, and the head's real movements; without an annotator's errors.
            turns = [Distractor("head", first, last) for first, last in stretches(head_motion(params, *place))]
            found = [*write_script(params, *place).unlabelled, *turns]
            astray = tuple(sorted(found, key=lambda d: (d.onset, d.offset, d.kind)))
            shown = label(params, *place)
            listed.append(Video(dataset, subject, name, params.fps, params.frames, shown, distractors=astray))
        return listed

    def person(self, key: SubjectKey) -> SubjectKey:
        """Faces of one seed are the same people, whatever else differs."""
        return SubjectKey(f"synthetic faces {self.params.seed}", key.subject)

    def frames(self, video: Video) -> Frames:
        """The frames of a video, drawn when asked for.

        Raises:
            DataError: there is no such video.
        """
        return SyntheticFrames(self.params, *self._place(video))

    def landmarks(self, video: Video) -> NDArray[np.float64]:
        """68 points (x, y) in pixels of the first frame, (68, 2), as a good detector finds them: `landmark_noise` off.

        The first frame shows no expression, so they only give the place of the face. True landmarks of the other frames
        would give the answer away, as they move with the action units.

        Raises:
            DataError: there is no such video.
        """
        place = self._place(video)
        noise = stream(Purpose.LANDMARKS, self.params.seed, *place).standard_normal((68, 2))
        return self._true_landmarks(video, 0) + self.params.landmark_noise * noise

    def oracle_landmarks(self, video: Video, index: int) -> NDArray[np.float64]:
        """The true 68 points (x, y) of any frame, (68, 2), pixels: for experiments that know the answer.

        Raises:
            DataError: the dataset's parameter `oracle` is off, or there is no such video.
            IndexError: the frame does not exist.
        """
        if not self.params.oracle:
            raise DataError(
                f"the true landmarks of frame {index} of {video.key} reveal the answer and are withheld: set "
                "dataset.oracle=true to get them"
            )
        return self._true_landmarks(video, index)

    def _true_landmarks(self, video: Video, index: int) -> NDArray[np.float64]:
        frames = SyntheticFrames(self.params, *self._place(video))
        return landmarks(frames.subject(), frames.state(index))

    def _place(self, video: Video) -> tuple[int, int]:
        try:
            return self._places[video.key]
        except KeyError:
            raise DataError(
                f"the synthetic dataset has no video {video.key}: with dataset.subjects={self.params.subjects} and "
                f"dataset.videos={self.params.videos} they run to {list(self._places)[-1]}"
            ) from None


Plugin = Synthetic
