"""The frames of a video, decoded when asked for: from a folder of images or from a video file.

OpenCV, or PyAV for a video file, is imported when the first frame is decoded.
"""

from mebench.frames.folder import FolderFrames
from mebench.frames.videofile import VideoFrames

__all__ = ["FolderFrames", "VideoFrames"]
