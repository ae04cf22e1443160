"""MLflow's tracking server, by OTLP over HTTP in protobuf with MLflow's own attributes.

A cost that is given is the one that MLflow shows, of the span and of its trace; one of which nothing is known is left
out, and MLflow may then compute one. A span that comes again replaces the first, and is counted once. A request of
which MLflow cannot store one span it refuses as a whole, so that it is sent anew in parts. Checked on MLflow itself
(3.17.2).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from urllib.parse import urlencode

from spancast.contract import (
    Attribute,
    Authorizer,
    Choice,
    Encoded,
    Exporter,
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
"""What is asked for to test a connection (MLflow, REST API, "Get Experiment")."""
_BY_NAME = "/api/2.0/mlflow/experiments/get-by-name"
"""What tells the id of an experiment (MLflow, REST API, "Get Experiment By Name")."""
_DEFAULT = "0"
"""The id of the experiment that every server has."""
_KNOWN_FOR = timedelta(hours=1)
"""How long an id is taken for that of a name."""
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
        """Where the spans go."""
        return _otlp.with_path(self._base)

    def chosen(self) -> Exporter:
        """Return what sends: where only the name of an experiment is given, one that asks for its id first."""
        if self.experiment is None or self.experiment_id is not None:
            return self
        return _ByName(**{each.name: getattr(self, each.name) for each in fields(self) if each.init})

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says; of several spans that are refused, one may be the cause."""
        verdict = super().judge(encoded, reply)
        if isinstance(verdict, Rejected) and len(encoded.span_ids) > 1:
            return Split(_refusal.reason(reply))
        return verdict

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that asks for the experiment."""
        return self._asks(_EXPERIMENT, experiment_id=self._id)

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        answer = _json.read(reply.body.decode("utf-8", "replace"))
        known = answer if isinstance(answer, dict) else {}
        if reply.status == _NO_SUCH and known.get("error_code"):
            return f"{self._base} has no experiment {self._id}. See MLFLOW_EXPERIMENT_ID; it is a number."
        wrong = super().diagnose(reply)
        if wrong is not None or known.get("experiment"):
            return wrong
        return f"{self._base} is no MLflow. See MLFLOW_TRACKING_URI."

    @property
    def _id(self) -> str:
        return _DEFAULT if self.experiment_id is None else self.experiment_id

    def _asks(self, path: str, **query: str) -> Request:
        return Request(url=f"{self._base}{path}?{urlencode(query)}", body=b"", headers=self._headers(), method="GET")

    @property
    def _base(self) -> str:
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH)

    def _headers(self) -> Mapping[str, str]:
        """Return whose the spans are; a name and a password win over a token, as in MLflow's client."""
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
    """Asks for the id of an experiment, which is a header of each request, as others ask for a token."""

    def chosen(self) -> Exporter:
        """Return itself."""
        return self

    def ask(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request for the experiment."""
        return self._asks(_BY_NAME, experiment_name=self.experiment or "")

    def grant(self, reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
        """Return its id, or why it is not known; an experiment that is not there may still be made."""
        answer = _json.read(reply.body.decode("utf-8", "replace"))
        known = answer if isinstance(answer, dict) else {}
        experiment = known.get("experiment")
        found = experiment.get("experiment_id") if isinstance(experiment, dict) and reply.status == _OK else None
        if isinstance(found, str) and found.isascii() and found.isdigit():
            return Grant({_ID: found}, at + _KNOWN_FOR)
        if reply.status in (401, 403):
            return Unauthorized(_refusal.reason(reply))
        if reply.status == _NO_SUCH and known.get("error_code"):
            return Retry(f"{self._base} has no experiment {self.experiment!r}: make it, or see MLFLOW_EXPERIMENT_NAME")
        return Retry(f"{self._base} answers {_refusal.reason(reply)} where an experiment is asked for")

    def probe(self, at: datetime) -> Request:
        """Return the request that asks for the experiment."""
        return self.ask(at)

    def _headers(self) -> Mapping[str, str]:
        return {name: value for name, value in super()._headers().items() if name != _ID}


_: tuple[type[Choice], type[Exporter], type[Probe], type[Authorizer]] = (Mlflow, Mlflow, Mlflow, _ByName)
