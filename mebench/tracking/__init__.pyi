from . import mlflow as mlflow
from . import send as send
from .mlflow import fetch_records as fetch_records
from .mlflow_store import database_remarks as database_remarks
from .send import Synced as Synced
from .send import send_all as send_all
from .tracker import Tracker as Tracker
