"""The suite that every exporter passes; subclass it in a test file, and point it at yours.

    from spancast.contract import Exporter, Reply
    from spancast.testing import ExporterContract

    class TestAcme(ExporterContract):
        def exporter(self) -> Exporter:
            return Acme(api_key="secret-1")

        def accepts(self) -> Reply:
            return Reply(207, {"content-type": "application/json"}, b'{"errors": []}')

Each test checks a sentence of the contract (`spancast.contract`, `exporters/README.md`). It sends nothing, and needs
only pytest. An exporter that is also a `Probe`, a `ReadBack` or an `Authorizer` is tested as such, too.
"""

import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from spancast.contract import (
    Authorizer,
    Delivered,
    Encoded,
    Exporter,
    Grant,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Split,
    Unauthorized,
    Verdict,
)
from spancast.testing import bodies, replies, spans
from spancast.testing.purity import pure

NOW = datetime(2026, 9, 21, 12, 0, 0, tzinfo=UTC)
_SECRET = re.compile(r"(^|_)(api_key|secret|secret_key|token|password)$")
_MONEY = re.compile(r"cost|usd|price|dollar", re.IGNORECASE)
_LARGE_CHARACTERS = 100_000
"""The content of a large span, which every platform accepts."""


class ExporterContract:
    """Subclass it and define `exporter` and `accepts`; the defaults of the rest are right for most exporters."""

    credential_in_url = False
    """Set it if the platform itself requires the credential in the URL."""
    credential_in_body = False
    """Set it if the platform itself requires the credential in the body."""
    status_acknowledges = False
    """Set it if the platform guarantees that a status of success acknowledges all spans, whatever the body says."""

    def exporter(self) -> Exporter:
        """Return the exporter, with a credential that occurs nowhere else."""
        raise NotImplementedError("Return your exporter from exporter().")

    def accepts(self) -> Reply:
        """Return the platform's reply when it accepts every span of a request."""
        raise NotImplementedError("Return from accepts() the platform's reply when it accepts everything.")

    def healthy(self) -> Reply | None:
        """Return the platform's reply to the probe when all is well; `None` skips that check."""
        return None

    def credentials(self) -> Sequence[str]:
        """Return the secrets: by default the text fields that `repr` leaves out, or that are named like keys."""
        exporter = self.exporter()
        if not is_dataclass(exporter):
            return ()
        values = [(field, getattr(exporter, field.name)) for field in fields(exporter)]
        return [
            value
            for field, value in values
            if isinstance(value, str) and value and (not field.repr or _SECRET.search(field.name))
        ]

    def parse_body(self, request: Request) -> Any:
        """Return a body as plain values; override it for a format that is neither JSON nor OTLP."""
        return bodies.parse(request)

    # --- traits ------------------------------------------------------------------------------------------------------

    def test_it_is_an_exporter_with_valid_traits(self) -> None:
        """`traits` are limits that allow at least one span."""
        exporter = self.exporter()
        assert isinstance(exporter, Exporter), f"{type(exporter).__name__} lacks traits, encode() or judge()"
        traits = exporter.traits
        assert traits.max_spans >= 1
        assert traits.max_bytes >= 1
        assert traits.max_age is None or traits.max_age > 0
        assert traits.resend in ("upsert", "ignored", "duplicates")
        assert traits.visible_after >= 0

    # --- encode ------------------------------------------------------------------------------------------------------

    def test_encode_is_pure(self) -> None:
        """The same spans make the same requests, without a socket, file, thread, clock or the environment."""
        exporter, given = self.exporter(), spans.trace_spans()
        before = copy.deepcopy(given)
        first = exporter.encode(given, NOW)
        with pure("encode()"):
            second = exporter.encode(given, NOW)
        assert list(first) == list(second), "the same spans make different requests the second time"
        assert given == before, "encode() has changed the spans that it was given"
        again = list(self.exporter().encode(spans.trace_spans(), NOW))
        assert again == list(first), "equal spans make different requests"

    def test_encode_may_be_called_from_any_thread(self) -> None:
        """Concurrent calls return what a single one returns."""
        exporter = self.exporter()
        alone = list(exporter.encode(spans.trace_spans(), NOW))
        with ThreadPoolExecutor(2) as threads:
            futures = [threads.submit(exporter.encode, spans.trace_spans(), NOW) for _ in range(4)]
        assert all(list(future.result()) == alone for future in futures)

    def test_each_span_is_carried_once_or_left_out(self) -> None:
        """A request lists only given spans, and no two list the same; a call with a response is always carried."""
        for given in ([], [spans.call_span()], spans.trace_spans()):
            carried = Counter(each for encoded in self.exporter().encode(given, NOW) for each in encoded.span_ids)
            known = {span.span_id for span in given}
            assert set(carried) <= known, f"{set(carried) - known} were not given"
            assert max(carried.values(), default=1) == 1, f"{carried} are carried more than once"
        (call,) = [span for span in spans.trace_spans() if span.status == "unset" and span.generation is not None]
        assert call.span_id in carried, "a call with a response is left out"

    def test_requests_are_http(self) -> None:
        """An absolute URL, a body of bytes, and headers of printable ASCII."""
        for encoded in self.exporter().encode(spans.trace_spans(), NOW):
            _assert_http(encoded.request)

    def test_as_many_spans_as_the_traits_allow_go_in_requests_of_that_size(self) -> None:
        """`max_spans` holds for each request."""
        exporter = self.exporter()
        most = min(exporter.traits.max_spans, 600)
        given = [spans.call_span(f"{number + 1:016x}", with_content=False) for number in range(most)]
        requests = exporter.encode(given, NOW)
        assert all(len(encoded.span_ids) <= exporter.traits.max_spans for encoded in requests)
        for encoded in requests:
            self._assert_fits_or_splits(exporter, given, encoded)

    def test_what_is_too_large_can_be_split(self) -> None:
        """Each request is within `max_bytes`, or carries several spans, each of which fits alone."""
        exporter = self.exporter()
        given = [_large(f"{number + 1:016x}") for number in range(min(exporter.traits.max_spans, 8))]
        for encoded in exporter.encode(given, NOW):
            self._assert_fits_or_splits(exporter, given, encoded)

    def test_an_unknown_cost_is_written_nowhere(self) -> None:
        """A call of unknown cost is not free: no field of money has a number."""
        for span in (spans.opened_call_span(), spans.call_span(cost=None, cost_source=None)):
            for encoded in self.exporter().encode([span], NOW):
                for name, value in bodies.leaves(self.parse_body(encoded.request)):
                    money = _MONEY.search(name) is not None and _is_number(value)
                    assert not money, f"{name} is {value!r}, although the cost is unknown"

    def test_no_value_that_an_application_can_set_makes_it_raise(self) -> None:
        """Any span can be encoded, together with others, and its body can be parsed."""
        exporter, neighbour = self.exporter(), spans.call_span()
        for what, span in spans.hostile_spans().items():
            others = [neighbour] if neighbour.span_id != span.span_id else []
            try:
                encoded = exporter.encode([*others, span], NOW)
                for each in encoded:
                    self.parse_body(each.request)
            except Exception as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            carried = [span_id for each in encoded for span_id in each.span_ids]
            assert neighbour.span_id in carried, f"{what}: another span of the batch is lost"

    # --- credentials -------------------------------------------------------------------------------------------------

    def test_the_credential_is_not_shown(self) -> None:
        """It is in no `repr`, URL or body, unless the platform itself requires it there."""
        exporter, secrets = self.exporter(), self.credentials()
        if not secrets:
            pytest.skip("no credential: if there is one, return it from credentials()")
        encoded = exporter.encode(spans.trace_spans(), NOW)
        for secret in secrets:
            assert secret not in repr(exporter), "repr() of the exporter shows a credential: give the field repr=False"
            for request in (each.request for each in encoded):
                url_is_safe = self.credential_in_url or secret not in request.url
                assert url_is_safe, "the URL contains a credential: URLs are logged everywhere"
                body_is_safe = self.credential_in_body or secret.encode() not in bodies.decompress(request)
                assert body_is_safe, "a body contains a credential"

    # --- judge -------------------------------------------------------------------------------------------------------

    def test_judge_takes_the_answer_of_success_for_one(self) -> None:
        """The platform's reply when it accepts everything is `Delivered`, repeatedly."""
        encoded = self._encoded()
        exporter, reply = self.exporter(), self.accepts()
        exporter.judge(encoded, reply)
        with pure("judge()"):
            verdict = exporter.judge(encoded, reply)
        assert verdict == Delivered()

    def test_judge_has_a_verdict_on_every_answer(self) -> None:
        """It never raises, and lists no span that the request did not carry."""
        exporter, encoded = self.exporter(), self._encoded()
        for what, reply in self._replies():
            try:
                verdict = exporter.judge(encoded, reply)
            except Exception as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            _assert_verdict(what, verdict, encoded)

    def test_judge_believes_no_failure(self) -> None:
        """Only a 2xx is a success; a redirect is not."""
        exporter, encoded = self.exporter(), self._encoded()
        for what, reply in self._replies():
            if not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
                assert not isinstance(exporter.judge(encoded, reply), Delivered), what

    def test_judge_believes_no_page_and_no_error(self) -> None:
        """A captive portal replies 200 with a page; some platforms reply 200 with an error."""
        exporter, encoded = self.exporter(), self._encoded()
        for status in {replies.OK, self.accepts().status}:
            for what in replies.PAGES if self.status_acknowledges else (*replies.PAGES, *replies.LIES):
                reply = replies.ODD_REPLIES[what]
                verdict = exporter.judge(encoded, Reply(status, reply.headers, reply.body))
                assert not isinstance(verdict, Delivered), f"{status} with {what} counts as delivered"

    def test_judge_believes_no_empty_body_if_the_platform_replies_in_json(self) -> None:
        """If the platform replies in JSON, an empty body acknowledges nothing."""
        encoded = self._encoded()
        if (
            self.status_acknowledges
            or not _is_json(self.accepts())
            or "protobuf" in encoded.request.headers.get("content-type", "")
        ):
            pytest.skip("the platform need not reply in JSON; in protobuf, success is an empty body")
        verdict = self.exporter().judge(encoded, Reply(replies.OK, replies.DATE))
        assert not isinstance(verdict, Delivered)

    @pytest.mark.parametrize("status", [401, 403])
    def test_judge_parks_on_a_wrong_credential(self, status: int) -> None:
        """401 and 403 concern the credential, not the spans."""
        assert isinstance(self.exporter().judge(self._encoded(), Reply(status, replies.DATE)), Unauthorized)

    def test_judge_waits_as_long_as_it_is_asked_to(self) -> None:
        """429 with Retry-After is `Retry` with these seconds."""
        verdict = self.exporter().judge(self._encoded(), Reply(replies.TOO_MANY, {**replies.DATE, "retry-after": "7"}))
        assert isinstance(verdict, Retry)
        assert verdict.after == 7.0, "pass on the result of retry_after()"  # noqa: PLR2004 - as above

    def test_judge_splits_what_is_too_large(self) -> None:
        """413 is `Split`."""
        assert isinstance(self.exporter().judge(self._encoded(), Reply(replies.TOO_LARGE, replies.DATE)), Split)

    def test_judge_tries_again_when_the_platform_fails(self) -> None:
        """Every 5xx is `Retry`: a proxy's error for a platform that is down says nothing about the spans."""
        exporter, encoded = self.exporter(), self._encoded()
        for status in range(500, 600):
            assert isinstance(exporter.judge(encoded, Reply(status, replies.DATE)), Retry), status

    # --- optional protocols ------------------------------------------------------------------------------------------

    def test_its_probe_tells_what_is_wrong(self) -> None:
        """`probe` is pure; `diagnose` returns `None`, or one line that says what to do."""
        exporter = self.exporter()
        if not isinstance(exporter, Probe):
            pytest.skip("it is not a Probe")
        exporter.probe(NOW)
        with pure("probe()"):
            request = exporter.probe(NOW)
        self._assert_safe(request)
        for status in replies.STATUSES:
            for what, reply in replies.ODD_REPLIES.items():
                problem = exporter.diagnose(Reply(status, reply.headers, reply.body))
                is_line = problem is None or (problem.strip() and "\n" not in problem)
                assert is_line, f"{status} with {what}: {problem!r}"
        wrong = [
            Reply(replies.OK, replies.HTML, replies.PAGE),
            *(Reply(status, replies.DATE) for status in (302, 401, 403, 404, 500, 503)),
        ]
        for reply in wrong:
            problem = exporter.diagnose(reply)
            assert problem is not None, f"{reply.status} counts as healthy"
            assert not any(secret in problem for secret in self.credentials()), "diagnose() shows a credential"
        healthy = self.healthy()
        assert healthy is None or exporter.diagnose(healthy) is None

    def test_its_read_back_knows_only_what_it_is_told(self) -> None:
        """If the platform does not say which spans it has, `found` returns none."""
        exporter, given = self.exporter(), [spans.call_span()]
        if not isinstance(exporter, ReadBack):
            pytest.skip("it is not a ReadBack")
        exporter.read_back(given, NOW)
        with pure("read_back()"):
            request = exporter.read_back(given, NOW)
        self._assert_safe(request)
        known = {span.span_id for span in given}
        for status in replies.STATUSES:
            for what, reply in replies.ODD_REPLIES.items():
                found = exporter.found(given, Reply(status, reply.headers, reply.body))
                assert set(found) <= known, f"{status} with {what}: {set(found) - known} were not asked for"
        for reply in (
            Reply(replies.OK, replies.HTML, replies.PAGE),
            *(Reply(status, replies.DATE) for status in (302, 401, 404, replies.TOO_MANY, 500)),
        ):
            assert not exporter.found(given, reply), f"{reply.status} counts as information about a span"

    def test_its_authorizer_takes_nothing_else_for_a_credential(self) -> None:
        """`ask` is pure; no failure and no page is a credential."""
        exporter = self.exporter()
        if not isinstance(exporter, Authorizer):
            pytest.skip("it is not an Authorizer")
        exporter.ask(NOW)
        with pure("ask()"):
            request = exporter.ask(NOW)
        _assert_http(request)
        for status in replies.STATUSES:
            for what, reply in replies.ODD_REPLIES.items():
                granted = exporter.grant(Reply(status, reply.headers, reply.body), NOW)
                assert isinstance(granted, Retry | Unauthorized), f"{status} with {what} counts as a credential"
        assert isinstance(exporter.grant(Reply(401, replies.DATE), NOW), Unauthorized)
        assert isinstance(exporter.grant(Reply(503, replies.DATE), NOW), Retry)
        assert "secret-token" not in repr(Grant({"authorization": "secret-token"}, NOW))

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _encoded(self) -> Encoded:
        """Return a request for several spans."""
        requests = [each for each in self.exporter().encode(spans.trace_spans(), NOW) if each.span_ids]
        assert requests, "no span of a whole trace is sent"
        return max(requests, key=lambda each: len(each.span_ids))

    def _replies(self) -> Iterator[tuple[str, Reply]]:
        """Yield replies of every status, and odd ones, each with a description."""
        for status in range(100, 600):
            yield f"{status} and nothing", Reply(status, replies.DATE)
        accepted = self.accepts()
        for status in {*replies.STATUSES, accepted.status}:
            yield f"{status} with an acknowledgement", Reply(status, accepted.headers, accepted.body)
            for what, reply in replies.ODD_REPLIES.items():
                yield f"{status} with {what}", Reply(status, reply.headers, reply.body)
        yield "429 and a Retry-After that is none", Reply(replies.TOO_MANY, {**replies.DATE, "retry-after": "soon"})

    def _assert_fits_or_splits(self, exporter: Exporter, given: Sequence[Span], encoded: Encoded) -> None:
        if len(encoded.request.body) <= exporter.traits.max_bytes:
            return
        assert len(encoded.span_ids) > 1, "one span alone exceeds the platform's max_bytes"
        for span in (each for each in given if each.span_id in encoded.span_ids):
            for alone in exporter.encode([span], NOW):
                assert len(alone.request.body) <= exporter.traits.max_bytes, "a span alone exceeds max_bytes"

    def _assert_safe(self, request: Request) -> None:
        _assert_http(request)
        if not self.credential_in_url:
            assert not any(secret in request.url for secret in self.credentials()), "the URL contains a credential"


def _assert_verdict(what: str, verdict: Verdict, encoded: Encoded) -> None:
    assert isinstance(verdict, Verdict), f"{what}: {verdict!r} is not a verdict"
    if isinstance(verdict, Rejected):
        assert verdict.reasons, f"{what}: Rejected lists no span; if none was refused, return Delivered"
        assert set(verdict.reasons) <= set(encoded.span_ids), f"{what}: it lists spans that were not sent"
        assert all(isinstance(why, str) and why for why in verdict.reasons.values()), f"{what}: a reason is missing"
    elif not isinstance(verdict, Delivered):
        assert verdict.reason, f"{what}: the reason is missing"


def _assert_http(request: Request) -> None:
    assert re.match(r"https?://[^/\s]+", request.url), f"{request.url!r} is not an absolute URL"
    assert request.url.isascii(), "a URL is ASCII: percent-encode the rest"
    assert " " not in request.url
    assert isinstance(request.body, bytes)
    for name, value in request.headers.items():
        assert name == name.lower(), f"{name}: write header names in lower case"
        assert value.isascii(), f"the value of {name} is not ASCII"
        assert value.isprintable(), f"the value of {name} is not printable"


def _large(span_id: str) -> Span:
    content = {"gen_ai.input.messages": "".join(f"{number:x} " for number in range(_LARGE_CHARACTERS // 6))}
    return replace(spans.call_span(span_id), content=content)


def _is_json(reply: Reply) -> bool:
    return reply.body.lstrip()[:1] in (b"{", b"[")


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)
