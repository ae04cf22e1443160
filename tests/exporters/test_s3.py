import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from gzip import decompress

import msgspec
import pytest

from spancast.contract import Delivered, Exporter, Probe, Reply, Request, Retry, Split, Unauthorized
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters import _sigv4
from spancast_exporters.s3 import S3
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.platform import answer, hanging_up
from tests.support.platforms.s3 import BUCKET, KEY_ID, KEYS, SECRET, TOKEN, error, kept, refusal, s3
from tests.support.spans import AT, SECOND, WORDS, a_trace, of_call

NOW = datetime(2026, 9, 21, 23, 59, tzinfo=UTC)
DAY = 86_400 * SECOND
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
VARIABLES = (
    *("SPANCAST_S3_BUCKET", "S3_BUCKET", "AWS_S3_BUCKET", "SPANCAST_S3_PATH", "SPANCAST_S3_FORMAT", "S3_ENDPOINT_URL"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(**settings) -> S3:
    exporter = discover.exporter(Destination("s3", **{**KEYS, **settings}))
    assert isinstance(exporter, S3)
    return exporter


def keys_of(spans, at=NOW, **settings) -> list[str]:
    """Return where the files of the spans go."""
    exporter = made(**settings)
    return [each.request.url.removeprefix(f"{exporter.url}/") for each in exporter.encode(spans, at)]


# --- the signature ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        (
            *("GET", "/test.txt", {"range": "bytes=0-9"}, b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            *("PUT", "/test$file.text"),
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (*("GET", "/?lifecycle", {}, b""), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            *("GET", "/?max-keys=2&prefix=J", {}, b""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_that_aws_publishes_are_signed_as_it_says(method, path, headers, body, signature):
    """AWS, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", Examples."""
    request = Request(url=f"https://examplebucket.s3.amazonaws.com{path}", body=body, headers=headers, method=method)
    keys = _sigv4.Keys(KEY_ID, SECRET, "us-east-1")
    stated = _sigv4.signed(request, keys, datetime(2013, 5, 24, tzinfo=UTC)).headers["authorization"]
    assert stated.startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20130524/us-east-1/s3/aws4_request,")
    assert stated.endswith(f"Signature={signature}")


def test_the_time_of_sending_is_signed_in_utc():
    elsewhere = datetime.fromisoformat("2013-05-24T02:00:00+02:00")
    request = Request(url="https://a.example/b", body=b"", method="PUT")
    signed = _sigv4.signed(request, _sigv4.Keys("k", "s", "auto", "token"), elsewhere)
    assert (signed.headers["x-amz-date"], signed.headers["x-amz-security-token"]) == ("20130524T000000Z", "token")


# --- where it goes ---------------------------------------------------------------------------------------------------


def test_the_variables_that_people_set_are_read(monkeypatch):
    variables = {
        "S3_BUCKET": "llm",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SPANCAST_S3_PATH": "calls/{year}/{month}/{day}",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    exporter = discover.exporter(Destination("s3"))
    assert isinstance(exporter, S3)
    assert exporter.url == "https://llm.s3.eu-central-1.amazonaws.com"
    (encoded,) = exporter.encode([of_call()], NOW)
    assert encoded.request.url.startswith(f"{exporter.url}/calls/2026/09/21/")
    assert encoded.request.headers["x-amz-security-token"] == TOKEN
    assert "/20260921/eu-central-1/s3/aws4_request" in encoded.request.headers["authorization"]
    assert (isinstance(exporter, Exporter), isinstance(exporter, Probe)) == (True, True)
    assert not [secret for secret in (SECRET, TOKEN) if secret in repr(exporter)]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://traces.s3.us-east-1.amazonaws.com"),
        ({"bucket": "my.traces"}, "https://s3.us-east-1.amazonaws.com/my.traces"),
        ({"region": "cn-north-1"}, "https://traces.s3.cn-north-1.amazonaws.com.cn"),
        ({"endpoint": "http://minio:9000/"}, "http://minio:9000/traces"),
        (
            {"endpoint": "https://abc.r2.cloudflarestorage.com", "region": "auto"},
            "https://abc.r2.cloudflarestorage.com/traces",
        ),
    ],
)
def test_a_bucket_has_an_address(settings, url):
    assert made(**settings).url == url


@pytest.mark.parametrize("name", ["bucket", "access_key_id", "secret_access_key"])
def test_what_is_missing_is_named(name):
    with pytest.raises(Unconfigured, match="S3_BUCKET" if name == "bucket" else f"AWS_{name.upper()}"):
        discover.exporter(Destination("s3", **{key: value for key, value in KEYS.items() if key != name}))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"bucket": "s3://traces"}, "without s3://"),
        ({"region": "EU (Frankfurt)"}, "region cannot be"),
        ({"access_key_id": "a b"}, "access_key_id"),
        ({"secret_access_key": "a\n"}, "secret_access_key"),
        ({"session_token": "\u00e4"}, "session_token"),
        ({"endpoint": "https://user:secret@host"}, "endpoint contains a user or a password"),
        ({"format": "csv"}, "jsonl, json, parquet"),
        ({"path": "{user}"}, r"\{date\}, \{year\}, \{month\}, \{day\}, \{apiKeyName\}"),
        ({"path": "/"}, "path cannot be"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why) as raised:
        made(**settings)
    assert "secret@" not in str(raised.value)


# --- the files -------------------------------------------------------------------------------------------------------


def test_what_goes_over_the_wire_is_what_the_file_has():
    (encoded,) = made().encode(a_trace(), NOW)
    seen = {
        "method": encoded.request.method,
        "url": encoded.request.url,
        "headers": {name: value for name, value in encoded.request.headers.items() if not _of_compression(name)},
        "rows": [msgspec.Raw(line) for line in decompress(encoded.request.body).splitlines()],
    }
    golden.check("s3", seen)


def _of_compression(name: str) -> bool:
    """Whether a header differs with the version of zlib."""
    return name in ("authorization", "x-amz-content-sha256")


def test_a_trace_is_one_file_of_rows_with_dollars_to_the_last_digit(tmp_path):
    with s3() as (bucket, platform):
        assert deliver(tmp_path, a_trace(), "s3", endpoint=platform.url, **KEYS).delivered == 4
    (key,) = bucket.files
    assert re.fullmatch(r"openrouter-traces/2026-09-21/141319-[0-9a-f]{32}\.jsonl\.gz", key)
    assert [row.get("TOTAL_COST") for row in bucket.rows()] == [None, "0.000106000000000001", None, None]
    assert all(datetime.fromisoformat(row["SENT_AT"]).tzinfo is not None for row in bucket.rows())


def test_a_role_signs_with_its_token_and_keys_are_written_as_they_are_signed(tmp_path):
    settings = {**KEYS, "session_token": TOKEN, "path": "my traces/ä+b={apiKeyName}/$~"}
    with s3() as (bucket, platform):
        standing = deliver(tmp_path, [of_call(key_hash="f" * 64)], "s3", endpoint=platform.url, **settings)
    assert standing.delivered == 1
    assert next(iter(bucket.files)).startswith(f"my traces/ä+b={'f' * 64}/$~/")


def test_an_unknown_cost_is_left_out_and_nothing_is_nothing():
    free = of_call(span_id="0" * 15 + "1", **{**UNKNOWN, "cost": Decimal(0)})
    (encoded,) = made().encode([of_call(**UNKNOWN), free], NOW)
    rows = [msgspec.json.decode(line) for line in decompress(encoded.request.body).splitlines()]
    assert [[value for name, value in row.items() if "COST" in name] for row in rows] == [[], ["0"]]


def test_the_same_spans_are_the_same_file_whenever_they_are_sent():
    calls = [of_call(span_id=f"{each:016x}") for each in (1, 2, 3)]
    (name,) = keys_of(calls)
    later = [replace(each, content={"input.value": "x"}) for each in calls[::-1]]
    assert keys_of(later, at=NOW + timedelta(days=3)) == [name]
    assert len({name, *keys_of(calls[:2]), *keys_of(calls[2:])}) == 3


def test_the_folder_is_of_the_day_of_the_call_and_of_its_key():
    calls = [
        of_call(span_id="0" * 15 + "1", started_at=AT, key_hash="a"),
        of_call(span_id="0" * 15 + "2", started_at=AT + DAY, key_hash="a"),
        of_call(span_id="0" * 15 + "3", started_at=AT),
        of_call(span_id="0" * 15 + "4", started_at=AT, key_hash="a"),
    ]
    found = made(path="/{apiKeyName}/{date}/").encode(calls, NOW)
    assert [(each.request.url.split("/")[3:5], len(each.span_ids)) for each in found] == [
        (["a", "2026-09-21"], 2),
        (["a", "2026-09-22"], 1),
        (["unknown", "2026-09-21"], 1),
    ]


def test_json_is_a_file_for_each_span_which_is_there_once_whatever_happens(tmp_path):
    settings = {**KEYS, "format": "json"}
    late = of_call(cost=Decimal("0.1"))
    with s3(hanging_up) as (bucket, platform):
        deliver(tmp_path / "a", [of_call(**UNKNOWN), *a_trace()[2:]], "s3", endpoint=platform.url, **settings)
        deliver(tmp_path / "b", a_trace()[:2], "s3", endpoint=platform.url, **settings)
        deliver(tmp_path / "c", [late, *a_trace()[2:]], "s3", endpoint=platform.url, **settings)
    assert sorted(bucket.files) == sorted(
        f"openrouter-traces/2026-09-21/{span.trace_id}-{span.span_id}.json" for span in a_trace()
    )
    (row,) = bucket.rows_of(f"openrouter-traces/2026-09-21/{late.trace_id}-{late.span_id}.json")
    assert row["TOTAL_COST"] == "0.1"


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch):
    monkeypatch.setattr("spancast_exporters._parquet.is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match=r"spancast\[parquet\]"):
        made(format="parquet")


def test_many_rows_are_files_of_a_size():
    many = [replace(of_call(span_id=f"{each:016x}"), content={"input.value": "w" * 3_000_000}) for each in range(1, 9)]
    assert [len(each.span_ids) for each in made().encode(many, NOW)] == [5, 3]


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_values_spoil_nothing(tmp_path, what):
    sent = [of_call(**HOSTILE[what]), of_call(span_id="00000000000000aa")]
    with s3() as (bucket, platform):
        assert deliver(tmp_path, sent, "s3", endpoint=platform.url, **KEYS).delivered == 2
    assert len(bucket.rows()) == 2


def test_a_file_whose_answer_was_lost_is_sent_again_and_there_once():
    with s3() as (bucket, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url)
        for at in (NOW, NOW + timedelta(hours=1)):
            (encoded,) = exporter.encode(a_trace(), at)
            assert exporter.judge(encoded, wire.post(encoded.request)) == Delivered()
    assert (len(bucket.puts), len(bucket.rows())) == (2, 4)


# --- what S3 says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "SignatureDoesNotMatch", Unauthorized),
        (400, "ExpiredToken", Unauthorized),
        (400, "AuthorizationHeaderMalformed", Unauthorized),
        (403, "RequestTimeTooSkewed", Retry),
        (404, "NoSuchBucket", Retry),
        (301, "PermanentRedirect", Retry),
        (400, "RequestTimeout", Retry),
        (503, "SlowDown", Retry),
        (400, "EntityTooLarge", Split),
    ],
)
def test_an_error_is_judged_by_its_code_and_only_that_is_repeated(status, code, kind):
    exporter = made()
    (encoded,) = exporter.encode([of_call()], NOW)
    verdict = exporter.judge(encoded, Reply(status, {"content-type": "application/xml"}, error(code)))
    assert isinstance(verdict, kind)
    assert verdict.reason == f"HTTP {status}: {code}"


def test_a_success_without_a_tag_is_none():
    exporter = made()
    (encoded,) = exporter.encode([of_call()], NOW)
    assert exporter.judge(encoded, Reply(200, {"etag": '"a"'})) == Delivered()
    for reply in (Reply(200), Reply(200, {"etag": '"a"'}, b"<html>"), Reply(204, {}, b"")):
        assert isinstance(exporter.judge(encoded, reply), Retry)


def test_a_wrong_key_parks(tmp_path):
    with s3() as (bucket, platform):
        settings = {**KEYS, "secret_access_key": "another-secret"}
        standing = deliver(tmp_path, [of_call(WORDS)], "s3", endpoint=platform.url, **settings)
    assert (standing.state, standing.waiting, bucket.files) == ("parked", 1, {})


# --- spancast check --------------------------------------------------------------------------------------------------


def told(*first, **settings):
    with s3(*first) as (bucket, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, **settings)
        return exporter.diagnose(wire.post(exporter.probe(NOW))), bucket.files


def test_a_connection_is_tested_without_leaving_a_file():
    assert told() == (None, {})
    assert told(kept()) == (None, {})
    assert "/openrouter-traces/2026-09-21/" in made().probe(NOW).url


@pytest.mark.parametrize(
    ("first", "cure"),
    [
        (refusal(404, "NoSuchBucket"), "SPANCAST_S3_BUCKET"),
        (refusal(403, "AccessDenied"), "s3:PutObject"),
        (refusal(403, "InvalidAccessKeyId"), "AWS_ACCESS_KEY_ID"),
        (refusal(403, "RequestTimeTooSkewed"), "clock"),
        (refusal(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"), "in eu-west-1: check AWS_REGION"),
        (
            answer(
                400, {"content-type": "application/xml"}, error("AuthorizationHeaderMalformed", "<Region>ap-1</Region>")
            ),
            "in ap-1: check AWS_REGION",
        ),
        (answer(401, {}), "AWS_SECRET_ACCESS_KEY"),
        (answer(502, {}), "AWS_ENDPOINT_URL_S3"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "and that it is a bucket"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure(first, cure):
    said, _ = told(first)
    assert cure in (said or "")
    assert SECRET[:8] not in (said or "")


def test_the_bucket_is_named_in_the_path_of_what_is_not_aws():
    (key,) = keys_of([of_call()], endpoint="http://minio:9000")
    assert made(endpoint="http://minio:9000").url.endswith(f"/{BUCKET}")
    assert key.startswith("openrouter-traces/2026-09-21/")
