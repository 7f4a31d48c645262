import av as av
import cloudpickle as cloudpickle
import cv2 as cv2
import dlib as dlib
import jinja2 as jinja2
import matplotlib as matplotlib
import networkx as networkx
import numpy as numpy
import openpyxl as openpyxl  # type: ignore[import-untyped]
import pandas as pandas
import pyarrow as pyarrow
import pydantic as pydantic
import rich as rich
import scipy as scipy
import torch as torch
import xlrd as xlrd  # type: ignore[import-untyped]
