"""MLflow's tracking server, by OTLP over HTTP in protobuf with MLflow's own attributes.

A cost that is given is the one that MLflow shows, of the span and of its trace; one of which nothing is known is left
out, and MLflow may then compute one. A span that comes again replaces the first, and is counted once. A request of
which MLflow cannot store one span it refuses as a whole, so that it is sent anew in parts. Checked on MLflow itself
(3.17.2).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from spancast.contract import (
    Attribute,
    Encoded,
    Exporter,
    Probe,
    Rejected,
    Reply,
    Request,
    Span,
    Split,
    Traits,
    Verdict,
)
from spancast_exporters import _backend, _json, _mlflow, _otlp, _refusal

__all__ = ["Mlflow"]

_EXPERIMENT = "/api/2.0/mlflow/experiments/get"
"""What is asked for to test a connection (MLflow, REST API, "Get Experiment")."""
_NO_SUCH = 404
_WHERE = "It is what MLflow's client logs in with: see MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_TOKEN."


@dataclass(frozen=True, kw_only=True)
class Mlflow(_backend.Backend):
    """Sends spans to an experiment, which is known by its id; "0" is the one that every server has.

    `endpoint` is the tracking server: http://localhost:5000. A server may want a name and a password, or a token.
    """

    endpoint: str = field(default="http://localhost:5000", metadata={"variables": ("MLFLOW_TRACKING_URI",)})
    experiment_id: str = field(default="0", metadata={"variables": ("MLFLOW_EXPERIMENT_ID",)})
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

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says; of several spans that are refused, one may be the cause."""
        verdict = super().judge(encoded, reply)
        if isinstance(verdict, Rejected) and len(encoded.span_ids) > 1:
            return Split(_refusal.reason(reply))
        return verdict

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that asks for the experiment."""
        url = f"{self._base}{_EXPERIMENT}?{urlencode({'experiment_id': self.experiment_id})}"
        return Request(url=url, body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        answer = _json.read(reply.body.decode("utf-8", "replace"))
        known = answer if isinstance(answer, dict) else {}
        if reply.status == _NO_SUCH and known.get("error_code"):
            return f"{self._base} has no experiment {self.experiment_id}. See MLFLOW_EXPERIMENT_ID; it is a number."
        wrong = super().diagnose(reply)
        if wrong is not None or known.get("experiment"):
            return wrong
        return f"{self._base} is no MLflow. See MLFLOW_TRACKING_URI."

    @property
    def _base(self) -> str:
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH)

    def _headers(self) -> Mapping[str, str]:
        """Return whose the spans are; a name and a password win over a token, as in MLflow's client."""
        credential = f"Bearer {self.token}" if self.token else None
        if self.username and self.password:
            credential = "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()
        stated = {
            "x-mlflow-experiment-id": self.experiment_id,
            "authorization": credential,
            "x-mlflow-workspace": self.workspace,
        }
        return {name: value for name, value in stated.items() if value is not None}

    def _fitted(self, span: Span) -> Span:
        return _mlflow.shaped(span)

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        return _mlflow.attributes(span)


_: tuple[type[Exporter], type[Probe]] = (Mlflow, Mlflow)
