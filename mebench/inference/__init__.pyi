from . import gradcam as gradcam
from . import live as live
from . import models as models
from . import onnx as onnx
from . import predict as predict
