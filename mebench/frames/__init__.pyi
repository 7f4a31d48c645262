from . import images as images
from . import stream as stream
from . import videofile as videofile
from .image_folder import FolderFrames as FolderFrames
from .videofile import VideoFrames as VideoFrames
