"""Odd replies of a platform, or of a proxy in front of it: malformed, empty, or in contradiction to their status."""

from collections.abc import Mapping

from spancast.contract import Reply

DATE = {"date": "Mon, 21 Sep 2026 12:00:00 GMT"}
JSON = {**DATE, "content-type": "application/json"}
HTML = {**DATE, "content-type": "text/html; charset=utf-8"}
PAGE = b"<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>"
OK, TOO_LARGE, TOO_MANY = 200, 413, 429

ODD_REPLIES: Mapping[str, Reply] = {
    "empty": Reply(OK, DATE),
    "a page": Reply(OK, HTML, PAGE),
    "a page that says it is JSON": Reply(OK, JSON, PAGE),
    "a page without a type": Reply(OK, DATE, b"\n  <html></html>"),
    "an error": Reply(OK, JSON, b'{"error": "internal error"}'),
    "errors": Reply(OK, JSON, b'{"errors": [{"message": "internal error"}]}'),
    "errors of an odd shape": Reply(OK, JSON, b'{"errors": [[null]], "error": {"a": 1}, "message": 5}'),
    "a status that says error": Reply(OK, JSON, b'{"status": "error", "message": "internal error"}'),
    "a success that is none": Reply(OK, JSON, b'{"success": false}'),
    "JSON that breaks off": Reply(OK, JSON, b'{"ok": tr'),
    "JSON of another kind": Reply(OK, JSON, b'"no"'),
    "null": Reply(OK, JSON, b"null"),
    "a list": Reply(OK, JSON, b"[1, null, {}]"),
    "a number": Reply(OK, JSON, b"1e999"),
    "nesting without end": Reply(OK, JSON, b"[" * 50_000),
    "no text": Reply(OK, JSON, b"\xff\xfe\x00\x80"),
    "no content type": Reply(OK, {}, b"{}"),
    "no protobuf": Reply(OK, {**DATE, "content-type": "application/x-protobuf"}, b"\xff\xff\xff"),
}
"""The replies by name. `judge` returns a verdict on each, with any status."""
PAGES = ("a page", "a page that says it is JSON", "a page without a type")
"""The replies that do not come from the platform."""
LIES = ("an error", "errors", "a status that says error", "a success that is none", "JSON that breaks off")
"""The replies whose body contradicts a status of success."""
STATUSES = (OK, 201, 202, 204, 207, 301, 400, 401, 403, 404, 409, TOO_LARGE, 415, 422, TOO_MANY, 500, 503)
"""The statuses to combine with these replies."""
