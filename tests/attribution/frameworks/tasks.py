"""Tasks for Celery, over folders instead of a broker; each makes a call, and has another task make one more."""

import os
from pathlib import Path

from celery import Celery, Task

from spancast.attribution.celery import carry
from tests.attribution.frameworks.asking import ask

FOLDER = Path(os.environ["BROKER"])
for _name in ("queue", "processed", "results"):
    (FOLDER / _name).mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(FOLDER / "queue"),
    "data_folder_out": str(FOLDER / "queue"),
    "control_folder": str(FOLDER / "control"),
    "processed_folder": str(FOLDER / "processed"),
}
carry()


@app.task(bind=True, max_retries=1, ignore_result=True)
def first(self: Task, user: str) -> None:
    """Make a call, then try again, and then send another task."""
    if not self.request.retries:
        ask(user, "first")
        raise self.retry(countdown=0)
    ask(user, "again")
    second.delay(user)


@app.task(ignore_result=True)
def second(user: str) -> None:
    """Make a call."""
    ask(user, "second")
