from . import gradcam as gradcam
from . import live as live
from . import models as models
from . import onnx_files as onnx_files
from . import operating_point as operating_point
from . import predict as predict
from . import recipe as recipe
from . import robustness as robustness
