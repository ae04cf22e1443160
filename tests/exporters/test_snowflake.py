import builtins
import json
import re
from base64 import b64decode
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from spancast.contract import Delivered, Exporter, Probe, Rejected, Reply, Retry, Split, Unauthorized
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters import _snowflake
from spancast_exporters.snowflake import Snowflake
from tests.support import golden
from tests.support.delivered import deliver, settled
from tests.support.hostile import HOSTILE
from tests.support.platform import JSON, answer, hanging_up, in_json
from tests.support.platforms import tokens, warehouse
from tests.support.platforms.snowflake import (
    ACCOUNT,
    DONE,
    RUNNING,
    TABLE,
    TOKEN,
    USER,
    error,
    failing,
    snowflake,
)
from tests.support.spans import WORDS, a_trace, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
VARIABLES = (
    *("ACCOUNT", "TOKEN", "PAT", "TOKEN_TYPE", "USER", "PRIVATE_KEY", "PRIVATE_KEY_PATH", "PRIVATE_KEY_FILE", "ROLE"),
    *("PRIVATE_KEY_PASSPHRASE", "WAREHOUSE", "DATABASE", "SCHEMA", "TABLE", "HOST"),
)
SETTINGS = {"account": ACCOUNT, "token": TOKEN}
SIGNING = {"account": ACCOUNT, "user": USER}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in (*(f"SNOWFLAKE_{each}" for each in VARIABLES), "PRIVATE_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)


def made(**settings) -> Snowflake:
    exporter = discover.exporter(Destination("snowflake", **(settings if "user" in settings else SETTINGS | settings)))
    assert isinstance(exporter, Snowflake)
    return exporter


def said(encoded) -> dict:
    return json.loads(encoded.request.body)


def rows_of(encoded) -> list[dict]:
    return json.loads(said(encoded)["bindings"]["1"]["value"])


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"account": "xy12345.us-east-1"}, "https://xy12345.us-east-1.snowflakecomputing.com/api/v2/statements"),
        ({"account": "MyOrg-My_Account"}, "https://myorg-my-account.snowflakecomputing.com/api/v2/statements"),
        (
            {"account": "xy1.cn-northwest-1.aws"},
            "https://xy1.cn-northwest-1.aws.snowflakecomputing.cn/api/v2/statements",
        ),
        ({"endpoint": "https://acme.privatelink.example"}, "https://acme.privatelink.example/api/v2/statements"),
        ({"endpoint": "http://localhost:1/"}, "http://localhost:1/api/v2/statements"),
        ({"endpoint": "http://localhost:1/api/v2/statements"}, "http://localhost:1/api/v2/statements"),
    ],
)
def test_an_account_has_an_address(settings, url):
    assert made(**settings).url == url


def test_the_variables_that_people_set_are_read(monkeypatch):
    variables = {
        "ACCOUNT": "acme-llm",
        "PAT": TOKEN,
        "ROLE": "writer",
        "WAREHOUSE": "my wh",
        "DATABASE": "llm",
        "SCHEMA": "my-schema",
        "TABLE": "calls",
        "HOST": "snow.example",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"SNOWFLAKE_{name}", value)
    exporter = discover.exporter(Destination("snowflake"))
    assert isinstance(exporter, Snowflake)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert encoded.request.url.startswith("https://snow.example/api/v2/statements?requestId=")
    assert encoded.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert (said(encoded)["role"], said(encoded)["warehouse"]) == ("WRITER", "my wh")
    assert said(encoded)["statement"].startswith('MERGE INTO llm."my-schema".calls AS t USING (SELECT ')
    assert (isinstance(exporter, Exporter), isinstance(exporter, Probe)) == (True, True)
    assert TOKEN not in repr(exporter)


def test_a_token_of_oauth_is_announced_as_one():
    (encoded,) = made(token_type="oauth").encode([of_call()], NOW)
    assert encoded.request.headers["x-snowflake-authorization-token-type"] == "OAUTH"


@pytest.mark.parametrize(
    ("given", "named"),
    [({"token": TOKEN}, "SNOWFLAKE_ACCOUNT"), ({"account": ACCOUNT}, "SNOWFLAKE_TOKEN or SNOWFLAKE_PAT")],
)
def test_what_is_missing_is_named(given, named):
    with pytest.raises(Unconfigured, match=named):
        discover.exporter(Destination("snowflake", **given))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"account": "https://xy12345.snowflakecomputing.com"}, "identifier alone"),
        ({"endpoint": "https://ada:secret@host"}, "endpoint contains a user or a password"),
        ({"endpoint": "ftp://host"}, "endpoint cannot be"),
        ({"token": "a b"}, "token is empty, or contains characters"),
        ({"token_type": "KEYPAIR_JWT"}, "PROGRAMMATIC_ACCESS_TOKEN, OAUTH"),
        ({"table": 'a"b'}, "cannot be a name in Snowflake"),
        ({"database": ""}, "cannot be a name in Snowflake"),
        ({"warehouse": "a\nb"}, "cannot be a name in Snowflake"),
        ({"role": 'x" OR'}, "cannot be a name in Snowflake"),
        ({"token": ""}, "token, or user and private_key, are missing"),
        ({"token": "", "user": USER, "private_key": "/nowhere/rsa_key.p8"}, "cannot be read: FileNotFoundError"),
        ({"token": "", "user": USER, "private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n"}, "the key cannot be read"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ValueError, match=why) as raised:
        Snowflake(**{**SETTINGS, **settings})
    assert "secret" not in str(raised.value)


# --- a key pair ------------------------------------------------------------------------------------------------------


def test_a_user_signs_with_a_key_of_which_snowflake_has_the_other_half(tmp_path):
    key = tokens.private_key()
    file = tmp_path / "rsa_key.p8"
    file.write_text(tokens.pem(key, "open sesame"), "utf-8")
    given = (
        {"private_key": tokens.pem(key)},
        {"private_key": tokens.pem(key).replace("\n", "\\n")},
        {"private_key": str(file), "private_key_passphrase": "open sesame"},
    )
    with snowflake(public=key.public_key()) as (account, platform):
        for number, settings in enumerate(given):
            home = tmp_path / str(number)
            standing = deliver(home, [of_call()], "snowflake", endpoint=platform.url, **SIGNING, **settings)
            assert standing.delivered == 1
    assert (len(account.asked), len(account.rows)) == (3, 1)


def test_a_key_that_snowflake_does_not_know_parks_and_its_fingerprint_is_told(tmp_path):
    mine, theirs = tokens.private_key("mine"), tokens.private_key("theirs")
    settings = {**SIGNING, "private_key": tokens.pem(mine)}
    with snowflake(public=theirs.public_key()) as (account, platform), closing(Wire()) as wire:
        standing = deliver(tmp_path, [of_call()], "snowflake", endpoint=platform.url, **settings)
        exporter = made(endpoint=platform.url, **settings)
        told = exporter.diagnose(wire.post(exporter.probe(datetime.now(UTC))))
    assert (standing.state, standing.waiting, account.rows) == ("parked", 1, {})
    assert re.search(r"code 390144.*RSA_PUBLIC_KEY_FP as SHA256:[\w+/]{43}=", told or "")
    assert "PRIVATE" not in repr(exporter)


@pytest.mark.parametrize(
    ("account", "subject"),
    [
        ("xy12345.us-east-1", "XY12345.ADA"),
        ("myorg-my_account", "MYORG-MY_ACCOUNT.ADA"),
        ("xy12345-abc.global", "XY12345.ADA"),
    ],
)
def test_a_token_names_the_account_without_its_region(account, subject):
    key = tokens.private_key()
    (encoded,) = made(**SIGNING | {"account": account}, private_key=tokens.pem(key)).encode([of_call()], NOW)
    _, claims = tokens.verified(encoded.request.headers["authorization"].removeprefix("Bearer "), key.public_key())
    assert claims["sub"] == subject
    assert claims["iss"].startswith(f"{subject}.SHA256:")
    assert claims["iat"] < NOW.timestamp() < claims["exp"]


def test_a_key_that_is_none_of_rsa_and_a_wrong_passphrase_are_told():
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ConfigurationError, match="not an RSA key"):
        made(**SIGNING, private_key=curve.decode())
    locked = tokens.pem(tokens.private_key(), "open sesame")
    for passphrase in ("", "wrong"):
        with pytest.raises(ConfigurationError, match="its passphrase is wrong"):
            made(**SIGNING, private_key=locked, private_key_passphrase=passphrase)


def test_without_cryptography_a_token_does_and_a_key_says_what_to_install(monkeypatch):
    importing = builtins.__import__

    def without(name, *rest, **more):
        assert not name.startswith("cryptography")
        return importing(name, *rest, **more)

    monkeypatch.setattr("spancast_exporters._jwt.find_spec", lambda _: None)
    monkeypatch.setattr(builtins, "__import__", without)
    assert made().encode([of_call()], NOW)
    with pytest.raises(ConfigurationError, match=r"spancast\[snowflake\]"):
        made(**SIGNING, private_key="-----BEGIN PRIVATE KEY-----")


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_what_goes_over_the_wire_is_what_the_file_has():
    (encoded,) = made().encode(a_trace(), NOW)
    body = said(encoded)
    seen = {
        "method": encoded.request.method,
        "url": encoded.request.url,
        "headers": {name: value for name, value in encoded.request.headers.items() if name != "authorization"},
        "body": {name: value for name, value in body.items() if name != "bindings"},
        "rows": msgspec.Raw(body["bindings"]["1"]["value"].encode()),
    }
    golden.check("snowflake", seen)


def test_a_trace_is_rows_and_a_call_has_its_dollars_to_the_last_digit(tmp_path):
    with snowflake() as (account, platform):
        sent = [*a_trace()[:1], of_call(WORDS), *a_trace()[2:]]
        standing = deliver(tmp_path, sent, "snowflake", endpoint=platform.url, **SETTINGS)
    rows = list(account.rows.values())
    assert (standing.delivered, len(account.asked)) == (4, 1)
    assert [row.get("TOTAL_COST") for row in rows] == [None, "0.000106000000000001", None, None]
    assert [row["SPAN_TYPE"] for row in rows] == ["SPAN", "GENERATION", "SPAN", "GENERATION"]
    assert rows[1]["INPUT"]["messages"][1]["role"] == "user"


def test_an_unknown_cost_is_left_out_and_nothing_is_nothing():
    free = of_call(span_id="0" * 15 + "1", **{**UNKNOWN, "cost": Decimal(0)})
    (encoded,) = made().encode([of_call(**UNKNOWN), free], NOW)
    assert [[value for name, value in row.items() if "COST" in name] for row in rows_of(encoded)] == [[], ["0"]]


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_values_spoil_nothing(tmp_path, what):
    sent = [of_call(**HOSTILE[what]), of_call(span_id="00000000000000aa")]
    with snowflake() as (account, platform):
        standing = deliver(tmp_path, sent, "snowflake", endpoint=platform.url, **SETTINGS)
    assert (standing.delivered, len(account.rows)) == (2, 2)


def test_what_an_application_says_is_data_and_no_statement():
    plain, hostile = (
        said(*made().encode([replace(of_call(), user=user, metadata={"a": user})], NOW))
        for user in ("ada", "'); DROP TABLE OPENROUTER_TRACES; -- ?")
    )
    assert plain["statement"] == hostile["statement"]


def test_many_rows_are_statements_of_a_size():
    many = [replace(of_call(span_id=f"{each:016x}"), content={"input.value": "w" * 900_000}) for each in range(1, 9)]
    assert [len(each.span_ids) for each in made().encode(many, NOW)] == [4, 4]


# --- each span once --------------------------------------------------------------------------------------------------


def test_a_row_whose_answer_was_lost_is_sent_again_and_there_once(tmp_path):
    with snowflake() as (account, platform):

        def losing(handler, received):
            account.answered(received)
            return hanging_up(handler, received)

        platform.answers.insert(0, losing)
        standing = settled(tmp_path, a_trace(), made(endpoint=platform.url))
    assert (standing.delivered, len(account.asked), len(account.rows)) == (4, 2, 4)


def test_a_cost_that_comes_late_is_the_rows_own_and_is_not_taken_away_again():
    with snowflake() as (account, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url)
        for span in (of_call(**UNKNOWN), of_call(cost=Decimal("0.1")), of_call(**UNKNOWN)):
            (encoded,) = exporter.encode([span], NOW)
            assert exporter.judge(encoded, wire.post(encoded.request)) == Delivered()
    (row,) = account.rows.values()
    assert row["TOTAL_COST"] == "0.1"
    assert "TOTAL_COST = COALESCE(s.TOTAL_COST, t.TOTAL_COST)" in account.asked[0]["statement"]


def test_each_sending_has_a_request_id_of_its_own():
    exporter, calls = made(), [of_call()]
    sendings = [(calls, NOW), (calls, NOW), (calls, NOW + timedelta(seconds=1)), ([of_call(user="b")], NOW)]
    urls = [exporter.encode(spans, at)[0].request.url for spans, at in sendings]
    assert len(set(urls)) == 3
    assert {*parse_qs(urlsplit(urls[0]).query)} == {"requestId", "retry"}


# --- what Snowflake says ---------------------------------------------------------------------------------------------


def verdict_on(reply: Reply, *spans):
    exporter = made()
    (encoded,) = exporter.encode(spans or [of_call()], NOW)
    return exporter.judge(encoded, reply)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (422, error("002003", "42S02"), Retry),
        (422, error("000904"), Retry),
        (422, error("002023", "22000"), Retry),
        (422, error("000606", "57P03"), Retry),
        (422, error("000625", "57014"), Retry),
        (422, error("003001", "42501"), Unauthorized),
        (401, {"code": "390144", "message": "JWT token is invalid."}, Unauthorized),
        (401, {"code": "390318", "message": "OAuth access token expired."}, Unauthorized),
        (408, error("000630", "57014"), Retry),
        (202, RUNNING, Retry),
        (429, {}, Retry),
        (422, error("100069", "22P02"), Rejected),
        (422, error("100078", "22000"), Rejected),
        (400, {"code": "391910", "message": "Bad request."}, Rejected),
        (413, {}, Split),
    ],
)
def test_an_answer_is_judged_by_its_code_and_only_that_is_repeated(status, body, kind):
    quoting = {**body, **({"message": "Numeric value 'My name is Ada' is not recognized"} if body else {})}
    verdict = verdict_on(Reply(status, JSON, json.dumps(quoting).encode()))
    assert isinstance(verdict, kind)
    assert "Ada" not in str(verdict)
    assert body.get("code", f"HTTP {status}") in str(verdict)


def test_a_row_that_snowflake_cannot_take_is_found_among_the_others(tmp_path):
    bad = of_call(span_id="00000000000000bb", user="bad")
    with snowflake() as (account, platform):

        def particular(handler, received):
            if b"00000000000000bb" in received.body:
                return failing(422, "100069", "22P02")(handler, received)
            return account(handler, received)

        platform.answers[0] = particular
        sent = [of_call(span_id=f"{number:016x}") for number in range(1, 6)]
        standing = deliver(tmp_path, [*sent[:2], bad, *sent[2:]], "snowflake", endpoint=platform.url, **SETTINGS)
    assert (standing.delivered, standing.dead) == (5, 1)
    assert {span_id for _, span_id in account.rows} == {span.span_id for span in sent}


def test_a_statement_that_is_still_under_way_is_sent_again_until_it_is_done(tmp_path):
    with snowflake(in_json(202, RUNNING, retry_after="0")) as (account, platform):
        standing = settled(tmp_path, [of_call()], made(endpoint=platform.url))
    assert (standing.delivered, len(platform.received), len(account.rows)) == (1, 2, 1)


def test_a_success_without_snowflakes_word_for_it_is_none():
    assert verdict_on(Reply(200, JSON, json.dumps(DONE).encode())) == Delivered()
    for body in (b"", b"{}", b"[]", json.dumps(RUNNING).encode(), b'{"code": 90001}', b"<html>"):
        assert isinstance(verdict_on(Reply(200, JSON, body)), Retry)


def test_a_wrong_token_parks(tmp_path):
    with snowflake() as (account, platform):
        settings = {**SETTINGS, "token": "another-token"}
        standing = deliver(tmp_path, [of_call()], "snowflake", endpoint=platform.url, **settings)
    assert (standing.state, standing.waiting, account.rows) == ("parked", 1, {})


# --- spancast check --------------------------------------------------------------------------------------------------


def told(*first, **settings):
    with snowflake(*first) as (account, platform), closing(Wire()) as wire:
        exporter = made(**{"endpoint": platform.url, **settings})
        return exporter.diagnose(wire.post(exporter.probe(NOW))), account


def test_a_connection_is_tested_by_the_statement_with_no_row():
    said_of_it, account = told()
    assert said_of_it is None
    assert (len(account.asked), account.rows) == (1, {})
    assert account.asked[0]["bindings"]["1"]["value"] == "[]"


@pytest.mark.parametrize(
    ("first", "cure"),
    [
        (failing(422, "002003", "42S02"), f"Run: CREATE TABLE IF NOT EXISTS {TABLE} (TRACE_ID VARCHAR NOT NULL, "),
        (failing(422, "000904"), f"Run: ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS PARENT_SPAN_ID VARCHAR, "),
        (failing(422, "003001", "42501"), f"GRANT SELECT, INSERT, UPDATE ON TABLE {TABLE} TO ROLE WRITER"),
        (failing(422, "000606", "57P03"), "SNOWFLAKE_WAREHOUSE"),
        (in_json(202, RUNNING), "was not ready"),
        (failing(401, "390303"), "SNOWFLAKE_TOKEN"),
        (answer(403, {}), "SNOWFLAKE_TOKEN"),
        (answer(404, {}), "SNOWFLAKE_ACCOUNT"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "SNOWFLAKE_ACCOUNT"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure(first, cure):
    said_of_it, _ = told(first, role="WRITER")
    assert cure in (said_of_it or "")
    assert TOKEN not in (said_of_it or "")


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_the_table_that_is_meant():
    assert warehouse.plain(warehouse.table_of("snowflake.md")) == warehouse.plain(_snowflake.create(TABLE))


def test_the_fingerprint_is_of_the_public_key():
    (encoded,) = made(**SIGNING, private_key=tokens.pem(tokens.private_key())).encode([of_call()], NOW)
    claims = json.loads(b64decode(encoded.request.headers["authorization"].split(".")[1] + "==", b"-_"))
    assert len(b64decode(claims["iss"].partition("SHA256:")[2])) == 32
