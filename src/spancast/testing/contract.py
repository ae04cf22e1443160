"""The suite that every exporter passes; subclass it in a test file, and point it at yours.

    from spancast.contract import Exporter, Reply
    from spancast.testing import ExporterContract

    class TestAcme(ExporterContract):
        def exporter(self) -> Exporter:
            return Acme(api_key="secret-1")

        def accepts(self) -> Reply:
            return Reply(207, {"content-type": "application/json"}, b'{"errors": []}')

Each test is a sentence of the contract (`spancast.contract`, `exporters/README.md`). It sends nothing, and needs
nothing but pytest. What an exporter is beside, a `Probe`, a `ReadBack` or an `Authorizer`, is tried, too.
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
from spancast.testing import answers, bodies, spans
from spancast.testing.purity import pure

NOW = datetime(2026, 9, 21, 12, 0, 0, tzinfo=UTC)
_SECRET = re.compile(r"(^|_)(api_key|secret|secret_key|token|password)$")
_MONEY = re.compile(r"cost|usd|price|dollar", re.IGNORECASE)
_MUCH = 100_000
"""Characters of the words of a span that is large, but no larger than any platform takes."""


class ExporterContract:
    """Subclass it and give `exporter` and `accepts`; the rest has defaults that are right for most."""

    credential_in_url = False
    """Set it where the platform itself wants the credential in the address."""
    credential_in_body = False
    """Set it where the platform itself wants the credential in the body."""
    status_is_all = False
    """Set it where the platform promises that a status of success acknowledges, whatever is in the body."""

    def exporter(self) -> Exporter:
        """Return the exporter, with a credential that occurs nowhere else."""
        raise NotImplementedError("Return your exporter from exporter().")

    def accepts(self) -> Reply:
        """Return what the platform answers when it takes every span of a request."""
        raise NotImplementedError("Return from accepts() what the platform answers when it takes everything.")

    def healthy(self) -> Reply | None:
        """Return what the platform answers to the probe when all is well; `None` leaves that out."""
        return None

    def credentials(self) -> Sequence[str]:
        """Return what must not be seen: by default the texts of fields that `repr` leaves out, or named like keys."""
        exporter = self.exporter()
        if not is_dataclass(exporter):
            return ()
        held = [(field, getattr(exporter, field.name)) for field in fields(exporter)]
        return [
            value
            for field, value in held
            if isinstance(value, str) and value and (not field.repr or _SECRET.search(field.name))
        ]

    def said(self, request: Request) -> Any:
        """Return what a body says, as plain values; override it for a format that is no JSON and no OTLP."""
        return bodies.read(request)

    # --- traits ------------------------------------------------------------------------------------------------------

    def test_it_is_an_exporter_whose_traits_can_be_kept(self) -> None:
        """`traits` are limits that leave room for a span."""
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
        """The same spans make the same requests; no socket, file, thread, clock or environment is touched."""
        exporter, given = self.exporter(), spans.trace_spans()
        before = copy.deepcopy(given)
        first = exporter.encode(given, NOW)
        with pure("encode()"):
            second = exporter.encode(given, NOW)
        assert list(first) == list(second), "the same spans make other requests the second time"
        assert given == before, "encode() has changed the spans that it was given"
        assert list(self.exporter().encode(spans.trace_spans(), NOW)) == list(first), "equal spans make other requests"

    def test_encode_may_be_called_from_any_thread(self) -> None:
        """Several threads at once get what one gets."""
        exporter = self.exporter()
        alone = list(exporter.encode(spans.trace_spans(), NOW))
        with ThreadPoolExecutor(2) as threads:
            futures = [threads.submit(exporter.encode, spans.trace_spans(), NOW) for _ in range(4)]
        assert all(list(future.result()) == alone for future in futures)

    def test_each_span_is_carried_once_or_left_out(self) -> None:
        """No request speaks of a span that was not given, and no two of the same; a call that was made is carried."""
        for given in ([], [spans.call_span()], spans.trace_spans()):
            carried = Counter(each for encoded in self.exporter().encode(given, NOW) for each in encoded.span_ids)
            known = {span.span_id for span in given}
            assert set(carried) <= known, f"{set(carried) - known} were not given"
            assert max(carried.values(), default=1) == 1, f"{carried} are carried more than once"
        (call,) = [span for span in spans.trace_spans() if span.status == "unset" and span.generation is not None]
        assert call.span_id in carried, "a call that was answered is left out"

    def test_requests_are_http(self) -> None:
        """An absolute address, bytes, and headers that can be written down."""
        for encoded in self.exporter().encode(spans.trace_spans(), NOW):
            _assert_http(encoded.request)

    def test_as_many_spans_as_the_traits_allow_go_in_requests_of_that_size(self) -> None:
        """`max_spans` holds for each request."""
        exporter = self.exporter()
        most = min(exporter.traits.max_spans, 600)
        given = [spans.call_span(f"{number + 1:016x}", words=False) for number in range(most)]
        requests = exporter.encode(given, NOW)
        assert all(len(encoded.span_ids) <= exporter.traits.max_spans for encoded in requests)
        for encoded in requests:
            self._assert_fits_or_splits(exporter, given, encoded)

    def test_what_is_too_large_can_be_split(self) -> None:
        """`max_bytes` holds for each request, or it carries several spans, of which each alone fits."""
        exporter = self.exporter()
        given = [_large(f"{number + 1:016x}") for number in range(min(exporter.traits.max_spans, 8))]
        for encoded in exporter.encode(given, NOW):
            self._assert_fits_or_splits(exporter, given, encoded)

    def test_an_unknown_cost_is_written_nowhere(self) -> None:
        """A call of which nothing is known is not one that was free: no figure stands where dollars stand."""
        for span in (spans.opened_call_span(), spans.call_span(cost=None, cost_source=None)):
            for encoded in self.exporter().encode([span], NOW):
                for name, value in bodies.figures(self.said(encoded.request)):
                    money = _MONEY.search(name) is not None and _is_number(value)
                    assert not money, f"{name} is {value!r}, though the cost is not known"

    def test_no_value_that_an_application_can_set_makes_it_raise(self) -> None:
        """Whatever is on a span, it can be encoded, its neighbours with it, and the body can be read."""
        exporter, neighbour = self.exporter(), spans.call_span()
        for what, span in spans.hostile_spans().items():
            others = [neighbour] if neighbour.span_id != span.span_id else []
            try:
                encoded = exporter.encode([*others, span], NOW)
                for each in encoded:
                    self.said(each.request)
            except Exception as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            carried = [span_id for each in encoded for span_id in each.span_ids]
            assert neighbour.span_id in carried, f"{what}: its neighbour is lost"

    # --- credentials -------------------------------------------------------------------------------------------------

    def test_the_credential_is_not_shown(self) -> None:
        """It is in no `repr`, in no address and in no body, unless the platform itself wants it there."""
        exporter, secrets = self.exporter(), self.credentials()
        if not secrets:
            pytest.skip("no credential: give credentials() where there is one")
        encoded = exporter.encode(spans.trace_spans(), NOW)
        for secret in secrets:
            assert secret not in repr(exporter), "repr() of the exporter shows a credential: give the field repr=False"
            for request in (each.request for each in encoded):
                in_url = self.credential_in_url or secret not in request.url
                assert in_url, "the address holds a credential: addresses are logged everywhere"
                in_body = self.credential_in_body or secret.encode() not in bodies.unpacked(request)
                assert in_body, "a body holds a credential"

    # --- judge -------------------------------------------------------------------------------------------------------

    def test_judge_takes_the_answer_of_success_for_one(self) -> None:
        """What the platform says when it took all is `Delivered`, each time it is asked."""
        encoded = self._encoded()
        exporter, reply = self.exporter(), self.accepts()
        exporter.judge(encoded, reply)
        with pure("judge()"):
            verdict = exporter.judge(encoded, reply)
        assert verdict == Delivered()

    def test_judge_has_a_verdict_on_every_answer(self) -> None:
        """It never raises, and names no span that the request did not carry."""
        exporter, encoded = self.exporter(), self._encoded()
        for what, reply in self._answers():
            try:
                verdict = exporter.judge(encoded, reply)
            except Exception as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            _assert_verdict(what, verdict, encoded)

    def test_judge_believes_no_failure(self) -> None:
        """Only a 2xx is a success; a redirect is none."""
        exporter, encoded = self.exporter(), self._encoded()
        for what, reply in self._answers():
            if not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
                assert not isinstance(exporter.judge(encoded, reply), Delivered), what

    def test_judge_believes_no_page_and_no_error(self) -> None:
        """A portal says 200 with a page; some platforms say 200 and that nothing was taken."""
        exporter, encoded, said = self.exporter(), self._encoded(), self.accepts()
        for status in {answers.OK, said.status}:
            for what in answers.PAGES if self.status_is_all else (*answers.PAGES, *answers.LIES):
                reply = answers.BODIES[what]
                verdict = exporter.judge(encoded, Reply(status, reply.headers, reply.body))
                assert not isinstance(verdict, Delivered), f"{status} with {what} is believed"

    def test_judge_believes_no_silence_of_a_platform_that_speaks(self) -> None:
        """Where the platform answers in JSON, an empty body acknowledges nothing."""
        encoded = self._encoded()
        if (
            self.status_is_all
            or not _is_json(self.accepts())
            or "protobuf" in encoded.request.headers.get("content-type", "")
        ):
            pytest.skip("the platform does not answer in JSON, or need not; in protobuf, success is no bytes")
        verdict = self.exporter().judge(encoded, Reply(answers.OK, answers.DATE))
        assert not isinstance(verdict, Delivered)

    @pytest.mark.parametrize("status", [401, 403])
    def test_judge_parks_on_a_wrong_credential(self, status: int) -> None:
        """401 and 403 are about the credential, and not about the spans."""
        assert isinstance(self.exporter().judge(self._encoded(), Reply(status, answers.DATE)), Unauthorized)

    def test_judge_waits_as_long_as_it_is_asked_to(self) -> None:
        """429 with Retry-After is `Retry` with these seconds."""
        verdict = self.exporter().judge(self._encoded(), Reply(answers.TOO_MANY, {**answers.DATE, "retry-after": "7"}))
        assert isinstance(verdict, Retry)
        assert verdict.after == 7.0, "give what retry_after() reads"  # noqa: PLR2004 - as above

    def test_judge_splits_what_is_too_large(self) -> None:
        """413 is `Split`."""
        assert isinstance(self.exporter().judge(self._encoded(), Reply(answers.TOO_LARGE, answers.DATE)), Split)

    def test_judge_tries_again_when_the_platform_fails(self) -> None:
        """5xx is `Retry`, each of them: what a proxy says of a platform that is down is no word on the spans."""
        exporter, encoded = self.exporter(), self._encoded()
        for status in range(500, 600):
            assert isinstance(exporter.judge(encoded, Reply(status, answers.DATE)), Retry), status

    # --- what an exporter may be beside ------------------------------------------------------------------------------

    def test_its_probe_tells_what_is_wrong(self) -> None:
        """The test request is made without touching anything; its answer is good, or a line that says what to do."""
        exporter = self.exporter()
        if not isinstance(exporter, Probe):
            pytest.skip("it is no Probe")
        exporter.probe(NOW)
        with pure("probe()"):
            request = exporter.probe(NOW)
        self._assert_safe(request)
        for status in answers.STATUSES:
            for what, reply in answers.BODIES.items():
                told = exporter.diagnose(Reply(status, reply.headers, reply.body))
                assert told is None or (told.strip() and "\n" not in told), f"{status} with {what}: {told!r}"
        wrong = [
            Reply(answers.OK, answers.HTML, answers.PAGE),
            *(Reply(status, answers.DATE) for status in (302, 401, 403, 404, 500, 503)),
        ]
        for reply in wrong:
            told = exporter.diagnose(reply)
            assert told is not None, f"{reply.status} is taken for good"
            assert not any(secret in told for secret in self.credentials()), "what it tells shows a credential"
        healthy = self.healthy()
        assert healthy is None or exporter.diagnose(healthy) is None

    def test_its_read_back_knows_only_what_it_is_told(self) -> None:
        """Where the platform does not say which spans it has, nothing is known of any."""
        exporter, given = self.exporter(), [spans.call_span()]
        if not isinstance(exporter, ReadBack):
            pytest.skip("it is no ReadBack")
        exporter.read_back(given, NOW)
        with pure("read_back()"):
            request = exporter.read_back(given, NOW)
        self._assert_safe(request)
        known = {span.span_id for span in given}
        for status in answers.STATUSES:
            for what, reply in answers.BODIES.items():
                found = exporter.found(given, Reply(status, reply.headers, reply.body))
                assert set(found) <= known, f"{status} with {what}: {set(found) - known} were not asked for"
        for reply in (
            Reply(answers.OK, answers.HTML, answers.PAGE),
            *(Reply(status, answers.DATE) for status in (302, 401, 404, answers.TOO_MANY, 500)),
        ):
            assert not exporter.found(given, reply), f"{reply.status} is taken for word of a span"

    def test_its_authorizer_takes_nothing_else_for_a_credential(self) -> None:
        """A credential is asked for without touching anything; no failure and no page is one."""
        exporter = self.exporter()
        if not isinstance(exporter, Authorizer):
            pytest.skip("it is no Authorizer")
        exporter.ask(NOW)
        with pure("ask()"):
            request = exporter.ask(NOW)
        _assert_http(request)
        for status in answers.STATUSES:
            for what, reply in answers.BODIES.items():
                got = exporter.grant(Reply(status, reply.headers, reply.body), NOW)
                assert isinstance(got, Retry | Unauthorized), f"{status} with {what} is taken for a credential"
        assert isinstance(exporter.grant(Reply(401, answers.DATE), NOW), Unauthorized)
        assert isinstance(exporter.grant(Reply(503, answers.DATE), NOW), Retry)
        assert "secret-token" not in repr(Grant({"authorization": "secret-token"}, NOW))

    # --- how it is tried ---------------------------------------------------------------------------------------------

    def _encoded(self) -> Encoded:
        """Return a request for several spans."""
        found = [each for each in self.exporter().encode(spans.trace_spans(), NOW) if each.span_ids]
        assert found, "nothing of a whole trace is sent"
        return max(found, key=lambda each: len(each.span_ids))

    def _answers(self) -> Iterator[tuple[str, Reply]]:
        """Yield answers of every status, and strange ones."""
        for status in range(100, 600):
            yield f"{status} and nothing", Reply(status, answers.DATE)
        said = self.accepts()
        for status in {*answers.STATUSES, said.status}:
            yield f"{status} with an acknowledgement", Reply(status, said.headers, said.body)
            for what, reply in answers.BODIES.items():
                yield f"{status} with {what}", Reply(status, reply.headers, reply.body)
        yield "429 and a Retry-After that is none", Reply(answers.TOO_MANY, {**answers.DATE, "retry-after": "soon"})

    def _assert_fits_or_splits(self, exporter: Exporter, given: Sequence[Span], encoded: Encoded) -> None:
        if len(encoded.request.body) <= exporter.traits.max_bytes:
            return
        assert len(encoded.span_ids) > 1, "one span alone is larger than the platform takes"
        for span in (each for each in given if each.span_id in encoded.span_ids):
            for alone in exporter.encode([span], NOW):
                assert len(alone.request.body) <= exporter.traits.max_bytes, "a span is too large by itself"

    def _assert_safe(self, request: Request) -> None:
        _assert_http(request)
        if not self.credential_in_url:
            assert not any(secret in request.url for secret in self.credentials()), "the address holds a credential"


def _assert_verdict(what: str, verdict: Verdict, encoded: Encoded) -> None:
    assert isinstance(verdict, Verdict), f"{what}: {verdict!r} is no verdict"
    if isinstance(verdict, Rejected):
        assert verdict.reasons, f"{what}: Rejected names no span; where none was refused it is Delivered"
        assert set(verdict.reasons) <= set(encoded.span_ids), f"{what}: it names spans that were not sent"
        assert all(isinstance(why, str) and why for why in verdict.reasons.values()), f"{what}: a reason is missing"
    elif not isinstance(verdict, Delivered):
        assert verdict.reason, f"{what}: the reason is missing"


def _assert_http(request: Request) -> None:
    assert re.match(r"https?://[^/\s]+", request.url), f"{request.url!r} is no absolute address"
    assert request.url.isascii(), "an address is ASCII: quote what is not"
    assert " " not in request.url
    assert isinstance(request.body, bytes)
    for name, value in request.headers.items():
        assert name == name.lower(), f"{name}: write the names of headers in lower case"
        assert value.isascii(), f"the value of {name} cannot be written down"
        assert value.isprintable(), f"the value of {name} cannot be written down"


def _large(span_id: str) -> Span:
    words = {"gen_ai.input.messages": "".join(f"{number:x} " for number in range(_MUCH // 6))}
    return replace(spans.call_span(span_id), content=words)


def _is_json(reply: Reply) -> bool:
    return reply.body.lstrip()[:1] in (b"{", b"[")


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)
