"""MLflow's tracking server, by OTLP over HTTP in protobuf with MLflow's own attributes.

MLflow shows a stated cost, of the span and of its trace; an unknown one is left out, and MLflow may then compute one. A
span sent again replaces the first, and is counted once. MLflow refuses a request as a whole where it cannot store one
of its spans, so that it is split and sent again. Checked on MLflow itself (3.17.2).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from urllib.parse import urlencode

from spancast.contract import (
    Attribute,
    Authorizer,
    Encoded,
    Exporter,
    ExporterChoice,
    Grant,
    Probe,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
)
from spancast_exporters import _backend, _json, _mlflow, _otlp, _refusal

__all__ = ["Mlflow"]

_EXPERIMENT = "/api/2.0/mlflow/experiments/get"
"""The request that tests a connection (MLflow, REST API, "Get Experiment")."""
_BY_NAME = "/api/2.0/mlflow/experiments/get-by-name"
"""The request for the id of an experiment (MLflow, REST API, "Get Experiment By Name")."""
_DEFAULT = "0"
"""The id of the experiment that every server has."""
_ID_LIFETIME = timedelta(hours=1)
"""How long the id of a name is cached."""
_OK, _NO_SUCH = 200, 404
_ID = "x-mlflow-experiment-id"
_WHERE = "It is what MLflow's client logs in with: see MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_TOKEN."


@dataclass(frozen=True, kw_only=True)
class Mlflow(_backend.Backend):
    """Sends spans to an experiment: that of an id, else of the name `experiment`, else the one that every server has.

    `endpoint` is the tracking server: http://localhost:5000. A server may want a name and a password, or a token.
    """

    endpoint: str = field(default="http://localhost:5000", metadata={"variables": ("MLFLOW_TRACKING_URI",)})
    experiment_id: str | None = field(default=None, metadata={"variables": ("MLFLOW_EXPERIMENT_ID",)})
    experiment: str | None = field(default=None, metadata={"variables": ("MLFLOW_EXPERIMENT_NAME",)})
    username: str | None = field(default=None, metadata={"variables": ("MLFLOW_TRACKING_USERNAME",)})
    password: str | None = field(default=None, repr=False, metadata={"variables": ("MLFLOW_TRACKING_PASSWORD",)})
    token: str | None = field(
        default=None, repr=False, metadata={"variables": ("MLFLOW_TRACKING_TOKEN",), "where": _WHERE}
    )
    workspace: str | None = field(default=None, metadata={"variables": ("MLFLOW_WORKSPACE",)})
    traits: Traits = field(default=Traits(resend="upsert"), init=False)

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return _otlp.with_path(self._base)

    def build(self) -> Exporter:
        """Return the exporter; with only the name of an experiment, one that first requests its id."""
        if self.experiment is None or self.experiment_id is not None:
            return self
        return _ByName(**{each.name: getattr(self, each.name) for each in fields(self) if each.init})

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; where several spans are refused, one may be the cause."""
        verdict = super().judge(encoded, reply)
        if isinstance(verdict, Rejected) and len(encoded.span_ids) > 1:
            return Split(_refusal.reason(reply))
        return verdict

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request for the experiment."""
        return self._request(_EXPERIMENT, experiment_id=self._id)

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        answer = _json.answer(reply)
        if reply.status == _NO_SUCH and answer.get("error_code"):
            return f"{self._base} has no experiment {self._id}. Check MLFLOW_EXPERIMENT_ID; it is a number."
        wrong = super().diagnose(reply)
        if wrong is not None or answer.get("experiment"):
            return wrong
        return f"The answer of {self._base} is not one of MLflow. Check MLFLOW_TRACKING_URI."

    @property
    def _id(self) -> str:
        return _DEFAULT if self.experiment_id is None else self.experiment_id

    def _request(self, path: str, **query: str) -> Request:
        return Request(url=f"{self._base}{path}?{urlencode(query)}", body=b"", headers=self._headers(), method="GET")

    @property
    def _base(self) -> str:
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH)

    def _headers(self) -> Mapping[str, str]:
        """Return the headers; user name and password take precedence over a token, as in MLflow's client."""
        credential = f"Bearer {self.token}" if self.token else None
        if self.username and self.password:
            credential = "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()
        stated = {
            _ID: self._id,
            "authorization": credential,
            "x-mlflow-workspace": self.workspace,
        }
        return {name: value for name, value in stated.items() if value is not None}

    def _fitted(self, span: Span) -> Span:
        return _mlflow.shaped(span)

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        return _mlflow.attributes(span)


@dataclass(frozen=True, kw_only=True)
class _ByName(Mlflow):
    """Requests the id of the experiment, a header of every request, as an `Authorizer` requests a token."""

    def build(self) -> Exporter:
        """Return itself."""
        return self

    def ask(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request for the experiment."""
        return self._request(_BY_NAME, experiment_name=self.experiment or "")

    def grant(self, reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
        """Return its id, or why it is unknown; a missing experiment may still be created."""
        answer = _json.answer(reply)
        experiment = answer.get("experiment")
        found = experiment.get("experiment_id") if isinstance(experiment, dict) and reply.status == _OK else None
        if isinstance(found, str) and found.isascii() and found.isdigit():
            return Grant({_ID: found}, at + _ID_LIFETIME)
        if reply.status in (401, 403):
            return Unauthorized(_refusal.reason(reply))
        if reply.status == _NO_SUCH and answer.get("error_code"):
            return Retry(
                f"{self._base} has no experiment {self.experiment!r}: create it, or check MLFLOW_EXPERIMENT_NAME"
            )
        return Retry(f"{self._base} answers {_refusal.reason(reply)} to the request for the experiment")

    def probe(self, at: datetime) -> Request:
        """Return the request for the experiment."""
        return self.ask(at)

    def _headers(self) -> Mapping[str, str]:
        return {name: value for name, value in super()._headers().items() if name != _ID}


_: tuple[type[ExporterChoice], type[Exporter], type[Probe], type[Authorizer]] = (Mlflow, Mlflow, Mlflow, _ByName)
