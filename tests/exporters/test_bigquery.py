import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from spancast.base.deadline import Deadline
from spancast.contract import (
    Authorizer,
    Delivered,
    Exporter,
    Grant,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Retry,
    Split,
    Traits,
    Unauthorized,
)
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel, Denied
from spancast.delivery.http.wire import MAX_REPLY_BYTES, Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters import _bigquery
from spancast_exporters.bigquery import _ByAccount, _ByToken
from tests.support import golden
from tests.support.delivered import deliver, settled
from tests.support.hostile import HOSTILE
from tests.support.platform import JSON, answer, hanging_up, in_json
from tests.support.platforms import tokens, warehouse
from tests.support.platforms.bigquery import (
    INSERTED,
    PROJECT,
    TABLE,
    bigquery,
    error,
    excepting,
    failing,
    key_file,
)
from tests.support.spans import WORDS, a_trace, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
TOKEN = "ya29.0123456789"
TOKENS = "https://oauth2.googleapis.com/token"
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
VARIABLES = (
    *("SPANCAST_BIGQUERY_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"),
    *("BIGQUERY_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "BIGQUERY_DATASET", "BIGQUERY_TABLE"),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(**settings) -> _ByToken:
    exporter = discover.exporter(Destination("bigquery", **{"token": TOKEN, "project": PROJECT, **settings}))
    assert isinstance(exporter, _ByToken)
    return exporter


def settings_at(platform) -> dict[str, str]:
    return {"endpoint": platform.url, "credentials": key_file(f"{platform.url}/token")}


def rows_of(encoded) -> list[dict]:
    return [each["json"] for each in json.loads(encoded.request.body)["rows"]]


# --- where it goes ---------------------------------------------------------------------------------------------------


def test_the_variables_that_people_set_are_read(monkeypatch, tmp_path):
    file = tmp_path / "key.json"
    file.write_text(key_file(TOKENS), "utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    exporter = discover.exporter(Destination("bigquery"))
    assert isinstance(exporter, _ByAccount)
    rows = "https://bigquery.googleapis.com/bigquery/v2/projects/{}/datasets/{}/tables/{}/insertAll"
    assert exporter.url == rows.format(PROJECT, "openrouter", "openrouter_traces")
    place = {"GOOGLE_CLOUD_PROJECT": "acme-llm", "BIGQUERY_DATASET": "llm", "BIGQUERY_TABLE": "calls"}
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    exporter = discover.exporter(Destination("bigquery"))
    assert isinstance(exporter, _ByAccount)
    assert exporter.url == rows.format("acme-llm", "llm", "calls")
    assert all(isinstance(exporter, each) for each in (Exporter, Probe, ReadBack, Authorizer))
    assert "PRIVATE" not in repr(exporter)


def test_a_token_does_instead_of_an_account(monkeypatch):
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN)
    exporter = discover.exporter(Destination("bigquery", project=PROJECT))
    assert not isinstance(exporter, Authorizer)
    assert isinstance(exporter, Exporter)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert encoded.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(exporter)


def test_what_is_missing_is_named():
    with pytest.raises(Unconfigured, match="GOOGLE_APPLICATION_CREDENTIALS"):
        discover.exporter(Destination("bigquery"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"token": TOKEN}, "has no project. Set BIGQUERY_PROJECT"),
        ({"token": TOKEN, "project": "My Project"}, "project cannot be"),
        ({"token": TOKEN, "project": PROJECT, "dataset": "a-b"}, "dataset cannot be"),
        ({"token": TOKEN, "project": PROJECT, "table": "a`b"}, "table cannot be"),
        ({"token": "a b", "project": PROJECT}, "token is empty, or contains characters"),
        (
            {"token": TOKEN, "project": PROJECT, "endpoint": "https://ada:secret@host"},
            "endpoint contains a user or a password",
        ),
        ({"credentials": "/nowhere/key.json"}, "cannot be read: FileNotFoundError"),
        (
            {"credentials": '{"type": "authorized_user", "refresh_token": "secret"}'},
            "their type is authorized_user, not service_account",
        ),
        ({"credentials": '{"secret'}, "their type is unknown"),
        ({"credentials": key_file(TOKENS, private_key="secret")}, "the key cannot be read"),
        ({"credentials": key_file(TOKENS, client_email="")}, "no client_email"),
        ({"credentials": key_file("ftp://secret")}, "token_uri is not an HTTP URL"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why) as raised:
        discover.exporter(Destination("bigquery", **settings))
    assert "secret" not in str(raised.value)


def test_without_cryptography_a_token_does_and_a_key_says_what_to_install(monkeypatch):
    monkeypatch.setattr("spancast_exporters._jwt.find_spec", lambda _: None)
    assert made().encode([of_call()], NOW)
    with pytest.raises(ConfigurationError, match=r"spancast\[bigquery\]"):
        discover.exporter(Destination("bigquery", credentials=key_file(TOKENS)))


# --- the account -----------------------------------------------------------------------------------------------------


def test_an_account_signs_for_a_token_that_is_kept_for_its_hour(tmp_path):
    with bigquery() as (project, platform):
        standing = deliver(tmp_path, a_trace(), "bigquery", **settings_at(platform))
        exporter = discover.exporter(Destination("bigquery", **settings_at(platform)))
        with closing(Channel(exporter)) as channel:
            for encoded in [*exporter.encode(a_trace(), NOW), *exporter.encode(a_trace(), NOW)]:
                reply = channel.post(encoded.request, Allowance(Deadline(float("inf")), lambda: False))
                assert exporter.judge(encoded, reply) == Delivered()
    assert (standing.delivered, len(project.rows), len(project.insert_ids)) == (4, 4, 12)
    assert len(project.granted) == 2


def test_a_key_that_google_does_not_know_parks_and_nothing_quotes_what_was_signed(tmp_path):
    with bigquery() as (project, platform):
        stranger = key_file(f"{platform.url}/token", tokens.private_key("stranger"))
        settings = {**settings_at(platform), "credentials": stranger}
        standing = deliver(tmp_path, [of_call()], "bigquery", **settings)
        exporter = discover.exporter(Destination("bigquery", **settings))
        with closing(Channel(exporter)) as channel, pytest.raises(Denied) as denied:
            channel.post(exporter.probe(NOW), Allowance(Deadline(float("inf")), lambda: False))
    assert (standing.state, standing.waiting, project.rows) == ("parked", 1, [])
    assert str(denied.value) == "no access token: HTTP 400: invalid_grant"
    assert "eyJ" not in str(standing)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, JSON, b'{"access_token": "a.b", "expires_in": 300}'), Grant({"authorization": "Bearer a.b"}, NOW)),
        (Reply(200, JSON, b'{"access_token": "a b", "expires_in": 300}'), Retry),
        (Reply(200, JSON, b'{"access_token": "a.b", "expires_in": "300"}'), Retry),
        (Reply(200, JSON, b'{"id_token": "a.b"}'), Retry),
        (Reply(200, {"content-type": "text/html"}, b"<p>"), Retry),
        (Reply(401, JSON, b'{"error": "invalid_client"}'), Unauthorized),
        (Reply(400, JSON, b'{"error": "invalid_scope"}'), Unauthorized),
        (Reply(503, JSON, b'{"error": "temporarily_unavailable"}'), Retry),
        (Reply(429, {"retry-after": "9"}), Retry),
    ],
)
def test_only_a_token_is_a_token(reply, expected):
    exporter = discover.exporter(Destination("bigquery", credentials=key_file(TOKENS)))
    assert isinstance(exporter, Authorizer)
    got = exporter.grant(reply, NOW)
    if isinstance(expected, Grant):
        assert got == replace(expected, until=NOW + timedelta(seconds=300))
    else:
        assert isinstance(got, expected)


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_what_goes_over_the_wire_is_what_the_file_has():
    (encoded,) = made().encode(a_trace(), NOW)
    seen = {
        "method": encoded.request.method,
        "url": encoded.request.url,
        "headers": {name: value for name, value in encoded.request.headers.items() if name != "authorization"},
        "body": msgspec.Raw(encoded.request.body),
    }
    golden.check("bigquery", seen)


def test_a_trace_is_rows_and_a_call_has_its_dollars_to_the_last_digit(tmp_path):
    with bigquery() as (project, platform):
        sent = [*a_trace()[:1], of_call(WORDS), *a_trace()[2:]]
        standing = deliver(tmp_path, sent, "bigquery", **settings_at(platform))
    assert (standing.delivered, len(project.rows)) == (4, 4)
    assert [row.get("TOTAL_COST") for row in project.rows] == [None, "0.000106000000000001", None, None]
    assert [row["SPAN_TYPE"] for row in project.rows] == ["SPAN", "GENERATION", "SPAN", "GENERATION"]
    assert json.loads(project.rows[1]["INPUT"])["messages"][1]["role"] == "user"
    assert project.rows[1]["PROMPT_TOKENS"] == "1200"


def test_dollars_are_exact_to_their_thirty_eighth_place():
    cost = Decimal("123456789.00000000000000000000000000000000000001")
    (encoded,) = made().encode([of_call(cost=cost)], NOW)
    assert [row["total_cost"] for row in rows_of(encoded)] == [str(cost)]


def test_an_unknown_cost_is_left_out_and_nothing_is_nothing():
    free = of_call(span_id="0" * 15 + "1", **{**UNKNOWN, "cost": Decimal(0)})
    (encoded,) = made().encode([of_call(**UNKNOWN), free], NOW)
    assert [[value for name, value in row.items() if "cost" in name] for row in rows_of(encoded)] == [[], ["0"]]


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_values_spoil_nothing(tmp_path, what):
    sent = [of_call(**HOSTILE[what]), of_call(span_id="00000000000000aa")]
    with bigquery() as (project, platform):
        standing = deliver(tmp_path, sent, "bigquery", **settings_at(platform))
    assert (standing.delivered, len(project.rows)) == (2, 2)


def test_many_rows_are_inserts_of_a_size():
    many = [replace(of_call(span_id=f"{each:016x}"), content={"input.value": "w" * 900_000}) for each in range(1, 9)]
    requests = made().encode(many, NOW)
    assert [len(each.span_ids) for each in requests] == [5, 3]


# --- each span once --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sooner(_ByAccount):
    """Is asked at once, which a test can wait for."""

    traits: Traits = field(default=Traits(max_spans=500, resend="duplicates", visible_after=0.0), init=False)


@pytest.mark.parametrize("lost", ["request", "answer", "acknowledgement"])
def test_a_row_whose_answer_was_lost_is_there_once(tmp_path, lost):
    sent = [of_call(span_id=f"{number:016x}") for number in range(1, 4)]
    with bigquery() as (project, platform):

        def losing(handler, received) -> bool:
            if lost != "request":
                project.answered(received)
            page = answer(200, {"content-type": "text/html"}, b"<p>")
            return page(handler, received) if lost == "acknowledgement" else hanging_up(handler, received)

        platform.answers[:] = [project, losing, project]
        place = {"project": PROJECT, "dataset": "openrouter", "table": "openrouter_traces"}
        standing = settled(tmp_path, sent, Sooner(**place, **settings_at(platform)))
    assert (standing.delivered, standing.dead, standing.waiting) == (3, 0, 0)
    assert sorted(row["SPAN_ID"] for row in project.rows) == [span.span_id for span in sent]
    assert len(project.insert_ids) == 3
    assert project.asked


def test_the_answer_for_as_many_spans_as_go_at_once_is_read_whole():
    sent = [of_call(span_id=f"{number:016x}") for number in range(1, made().traits.max_spans + 1)]
    with bigquery() as (project, platform), closing(Wire()) as wire:
        project.granted.append(TOKEN)
        exporter = made(endpoint=platform.url)
        for encoded in exporter.encode(sent, NOW):
            assert exporter.judge(encoded, wire.post(encoded.request)) == Delivered()
        reply = wire.post(exporter.read_back([*sent, of_call(span_id="f" * 16)], NOW))
    assert exporter.found(sent, reply) == {span.span_id: True for span in sent}
    assert exporter.found([of_call(span_id="f" * 16)], reply) == {"f" * 16: False}
    assert len(reply.body) < MAX_REPLY_BYTES


@pytest.mark.parametrize(
    ("status", "change", "known"),
    [
        (200, {}, True),
        (200, {"jobComplete": False}, False),
        (200, {"totalRows": "1"}, False),
        (200, {"errors": [{"reason": "stopped"}]}, False),
        (200, {"kind": "other"}, False),
        (400, {}, False),
    ],
)
def test_only_a_whole_answer_tells_what_is_missing(status, change, known):
    answered = {"kind": "bigquery#queryResponse", "jobComplete": True, "totalRows": "0", **change}
    found = made().found([of_call()], Reply(status, JSON, json.dumps(answered).encode()))
    assert found == ({of_call().span_id: False} if known else {})


# --- what BigQuery says ----------------------------------------------------------------------------------------------


def verdict_on(status: int, body: object, spans: int = 3):
    exporter = made()
    (encoded,) = exporter.encode([of_call(span_id=f"{number:016x}") for number in range(1, spans + 1)], NOW)
    return exporter.judge(encoded, Reply(status, JSON, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        ({1: "invalid"}, Rejected),
        ({0: "invalid", 1: "invalid", 2: "invalid"}, Rejected),
        ({0: "stopped", 1: "stopped", 2: "stopped"}, Retry),
        ({0: "invalid", 1: "stopped", 2: "stopped"}, Retry),
        ({1: "backendError"}, Split),
        ({7: "invalid"}, Split),
    ],
)
def test_a_success_that_excepts_rows_is_judged_by_their_reasons(reasons, kind):
    verdict = verdict_on(200, excepting(reasons))
    assert isinstance(verdict, kind)
    assert "Ada" not in str(verdict)
    if isinstance(verdict, Rejected):
        assert verdict.reasons == {f"{place + 1:016x}": "invalid (total_cost)" for place in reasons}


def test_a_row_that_bigquery_cannot_take_leaves_the_others_in(tmp_path):
    with bigquery() as (project, platform):

        def particular(handler, received):
            if received.path.endswith("/insertAll"):
                project.answered(received)
                return in_json(200, excepting({1: "invalid"}))(handler, received)
            return project(handler, received)

        platform.answers[0] = particular
        sent = [of_call(span_id=f"{number:016x}") for number in range(1, 4)]
        standing = deliver(tmp_path, sent, "bigquery", **settings_at(platform))
    assert (standing.delivered, standing.dead) == (2, 1)
    assert len(project.insert_ids) == 3


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (401, "authError", Unauthorized),
        (403, "accessDenied", Unauthorized),
        (403, "rateLimitExceeded", Retry),
        (403, "quotaExceeded", Retry),
        (404, "notFound", Retry),
        (500, "backendError", Retry),
        (503, "backendError", Retry),
        (400, "invalid", Split),
        (413, "uploadTooLarge", Split),
    ],
)
def test_an_error_is_judged_by_its_reason_and_only_that_is_repeated(status, reason, kind):
    verdict = verdict_on(status, error(status, reason, "FAILED", "My name is Ada"))
    assert isinstance(verdict, kind)
    assert verdict.reason == f"HTTP {status}: {reason}" or status == 413
    assert "Ada" not in str(verdict)


def test_a_request_of_one_row_that_is_bad_is_that_rows_fault():
    verdict = verdict_on(400, error(400, "invalid", "INVALID_ARGUMENT"), spans=1)
    assert verdict == Rejected({f"{1:016x}": "HTTP 400: invalid"})


def test_a_success_without_bigquerys_word_for_it_is_a_doubt():
    assert verdict_on(200, INSERTED) == Delivered()
    for body in ({}, [], {"kind": "bigquery#queryResponse"}, "x"):
        verdict = verdict_on(200, body)
        assert isinstance(verdict, Retry)
        assert verdict.doubtful


def test_a_quota_that_is_used_up_is_waited_for(tmp_path):
    with bigquery(failing(403, "quotaExceeded")) as (project, platform):
        project.granted.append(TOKEN)
        standing = settled(tmp_path, [of_call()], made(endpoint=platform.url))
    assert (standing.delivered, len(project.rows)) == (1, 1)


# --- spancast check --------------------------------------------------------------------------------------------------


def told(*first):
    with bigquery(*first) as (project, platform), closing(Wire()) as wire:
        project.granted.append(TOKEN)
        exporter = made(endpoint=platform.url)
        return exporter.diagnose(wire.post(exporter.probe(NOW))), project


def test_a_connection_is_tested_without_leaving_a_row():
    said, project = told()
    assert (said, project.rows) == (None, [])
    (asked,) = project.asked
    assert asked["dryRun"] is True
    assert "total_cost" in asked["query"]


@pytest.mark.parametrize(
    ("first", "cure"),
    [
        (failing(404, "notFound"), f"Run: CREATE TABLE IF NOT EXISTS {TABLE} (trace_id STRING NOT NULL, "),
        (failing(400, "invalidQuery"), f"{TABLE} has other columns"),
        (failing(403, "accessDenied"), "BigQuery Data Editor on openrouter and BigQuery Job User on my-project"),
        (failing(401, "authError"), "GOOGLE_OAUTH_ACCESS_TOKEN"),
        (answer(502, {}), "BIGQUERY_PROJECT"),
        (answer(404, {}), "BIGQUERY_PROJECT"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "BIGQUERY_PROJECT"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure(first, cure):
    said, _ = told(first)
    assert cure in (said or "")
    assert TOKEN not in (said or "")


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_the_table_that_is_meant():
    assert warehouse.plain(warehouse.table_of("bigquery.md")) == warehouse.plain(_bigquery.create(TABLE))
