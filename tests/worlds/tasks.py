"""Tasks for celery, over folders instead of a broker. Each makes a call."""

import os
from pathlib import Path

from celery import Celery

from tests.worlds.app import call

FOLDER = Path(os.environ["BROKER"])
for _name in ("queue", "processed", "results"):
    (FOLDER / _name).mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {
    "data_folder_in": str(FOLDER / "queue"),
    "data_folder_out": str(FOLDER / "queue"),
    "control_folder": str(FOLDER / "control"),
    "processed_folder": str(FOLDER / "processed"),
    "store_processed": True,
}
app.conf.task_acks_late = False


@app.task
def ask(user: str) -> str:
    """Make a call."""
    call(user)
    return user
