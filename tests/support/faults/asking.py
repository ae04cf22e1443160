"""A platform that counts twice what it is sent twice, and that can be asked what it has."""

from dataclasses import dataclass, field

from spancast.contract import Request, Traits
from tests.support.plain import Plain
from tests.support.platform import answer

COUNTS_TWICE = Traits(resend="duplicates", visible_after=0.0)


@dataclass(frozen=True, kw_only=True)
class Asking(Plain):
    """It asks the platform which spans it has, and reads `yes`, `no` or nothing for each."""

    traits: Traits = field(default_factory=lambda: COUNTS_TWICE)

    def read_back(self, spans, at):  # noqa: ARG002 - the protocol's
        ids = ",".join(span.span_id for span in spans)
        return Request(url=f"{self.url}/has?{ids}", body=b"", method="GET")

    def found(self, spans, reply):  # noqa: ARG002 - the protocol's
        said = dict(pair.split("=") for pair in reply.body.decode().split(",") if pair)
        return {span_id: word == "yes" for span_id, word in said.items()}


class Asked:
    """Answers what it has; for spans it is as `mode` says."""

    def __init__(self, mode, tell=None) -> None:
        self.mode = mode
        self.tell = tell or self._truth
        self.questions = 0

    def __call__(self, handler, received):
        if not received.path.startswith("/has?"):
            return self.mode(handler, received)
        self.questions += 1
        ids = received.path.partition("?")[2].split(",")
        said = self.tell(handler.server, ids)
        answer(body=",".join(f"{span_id}={word}" for span_id, word in said.items()).encode())(handler, received)
        return False

    @staticmethod
    def _truth(collector, ids):
        return {span_id: "yes" if span_id in collector.accepted else "no" for span_id in ids}
