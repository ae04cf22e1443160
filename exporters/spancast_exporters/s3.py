"""S3 and compatible stores (R2, MinIO, ...): files of rows, in folders named as by OpenRouter's Broadcast.

The name of a file depends on its spans, so that the same spans sent again overwrite it. Spans sent again among others
are in two files, and SENT_AT shows the later row; with `format="json"` each span has a file of its own, and is always
stored once.

Checked on AWS's published examples of its signature, on botocore's signature, on moto's server, which checks no
signature, and on a strict stub, which does; not checked on S3 itself.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5

from spancast.contract import Delivered, Encoded, Exporter, Probe, Reply, Request, Retry, Span, Traits, Verdict
from spancast_exporters import _options, _parquet, _s3_answer, _s3_files, _sigv4

__all__ = ["S3"]

_WHERE = "It is shown when an access key is made: for AWS in IAM under Users, for R2 under Manage R2 API Tokens."


@dataclass(frozen=True, kw_only=True)
class S3:
    """Sends every span that is given to it.

    `endpoint` is for what is not AWS, such as https://ACCOUNT.r2.cloudflarestorage.com; the bucket is then the first
    part of the path. `path` is the folder, with OpenRouter's variables: {date}, {year}, {month} and {day}, which are
    those of the call, in UTC, and {apiKeyName}. `format` is jsonl, json, or parquet, which needs
    `pip install 'spancast[parquet]'`. The key needs s3:PutObject on the bucket, and nothing else.
    """

    bucket: str = field(
        metadata={
            "variables": ("SPANCAST_S3_BUCKET", "S3_BUCKET", "AWS_S3_BUCKET"),
            "where": "It is the name of a bucket of your own.",
        }
    )
    access_key_id: str = field(metadata={"variables": ("AWS_ACCESS_KEY_ID",), "where": _WHERE})
    secret_access_key: str = field(repr=False, metadata={"variables": ("AWS_SECRET_ACCESS_KEY",), "where": _WHERE})
    session_token: str | None = field(default=None, repr=False, metadata={"variables": ("AWS_SESSION_TOKEN",)})
    region: str = field(default="us-east-1", metadata={"variables": ("AWS_REGION", "AWS_DEFAULT_REGION")})
    endpoint: str | None = field(
        default=None, metadata={"variables": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT_URL")}
    )
    path: str = field(default="openrouter-traces/{date}", metadata={"variables": ("SPANCAST_S3_PATH",)})
    format: str = field(default="jsonl", metadata={"variables": ("SPANCAST_S3_FORMAT",)})
    traits: Traits = field(default=Traits(max_spans=1_000, resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", self.bucket):
            raise ValueError(f"bucket cannot be {self.bucket!r}. Give its name alone, without s3:// and a path.")
        if not re.fullmatch(r"[a-z0-9-]+", self.region):
            raise ValueError(f"region cannot be {self.region!r}. Give one such as eu-central-1; of R2 it is auto.")
        keys = {"access_key_id": self.access_key_id, "secret_access_key": self.secret_access_key}
        for name, key in {**keys, "session_token": self.session_token or "none"}.items():
            _options.check_key(name, key)
        _options.check_endpoint(self.endpoint or "https://s3.amazonaws.com", "https://ACCOUNT.r2.cloudflarestorage.com")
        self._refuse_files()

    @property
    def url(self) -> str:
        """The URL of the bucket."""
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/{self.bucket}"
        host = f"s3.{self.region}.amazonaws.com{'.cn' if self.region.startswith('cn-') else ''}"
        one_label = re.fullmatch(
            r"[a-z0-9-]+", self.bucket
        )  # AWS's certificate does not cover a bucket name with a dot
        return f"https://{self.bucket}.{host}" if one_label else f"https://{host}/{self.bucket}"

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return a request for each file, of at most 16 MiB before compression; a single row may be larger."""
        return [
            Encoded(self._put(file.key, file.body, dict(file.headers), at), file.span_ids)
            for file in _s3_files.files(spans, at, self.path, self.format)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by S3's error code; a success needs an ETag."""
        if _s3_answer.is_kept(reply):
            return Delivered()
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            return Retry(f"HTTP {reply.status} without S3's acknowledgement")
        return _s3_answer.refused(encoded, reply)

    def probe(self, at: datetime) -> Request:
        """Return a file with a wrong digest: where everything else is right, S3 refuses it for that."""
        announced = b64encode(md5(b"", usedforsecurity=False).digest()).decode()
        headers = {"content-md5": announced, "content-type": "text/plain"}
        key = f"{_s3_files.folder(self.path, at, None)}/spancast-check.txt"
        return self._put(key, b"spancast check\n", headers, at)

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do. A store that checks no digest keeps the small file."""
        code, elsewhere = _s3_answer.code(reply), _s3_answer.region(reply)
        if code in _s3_answer.OTHER_BODY or _s3_answer.is_kept(reply):
            return None
        if elsewhere and elsewhere != self.region:
            cure = f"The bucket is in {elsewhere}: check AWS_REGION."
        elif code in _CURES:
            cure = _CURES[code]
        elif reply.status in (401, 403) or code in _s3_answer.CREDENTIAL:
            cure = "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
        else:
            cure = "Check AWS_REGION and AWS_ENDPOINT_URL_S3, and that it is a bucket."
        return f"{self.url} answers {_s3_answer.reason(reply)}. {cure}"

    def _refuse_files(self) -> None:
        """Refuse options for files that cannot be made."""
        if self.format not in _s3_files.FORMATS:
            raise ValueError(f"format cannot be {self.format!r}. Give one of {', '.join(_s3_files.FORMATS)}.")
        if self.format == "parquet" and not _parquet.is_installed():
            raise ValueError("format is parquet, which needs pyarrow: pip install 'spancast[parquet]'.")
        unknown = set(re.findall(r"\{([^{}]*)\}", self.path)) - set(_s3_files.VARIABLES)
        if unknown or not self.path.strip("/ ") or not self.path.isprintable():
            known = ", ".join(f"{{{name}}}" for name in _s3_files.VARIABLES)
            raise ValueError(f"path cannot be {self.path!r}. Give a folder; it may name {known}.")

    def _put(self, key: str, body: bytes, headers: dict[str, str], at: datetime) -> Request:
        keys = _sigv4.Keys(self.access_key_id, self.secret_access_key, self.region, self.session_token)
        request = Request(url=f"{self.url}/{_sigv4.encoded(key)}", body=body, headers=headers, method="PUT")
        return _sigv4.signed(request, keys, at)


_: tuple[type[Exporter], type[Probe]] = (S3, S3)

_CURES = {
    "NoSuchBucket": "There is no such bucket: check SPANCAST_S3_BUCKET.",
    "AccessDenied": "Allow the key s3:PutObject on the bucket.",
    _s3_answer.CLOCK: "Set the clock of this machine.",
}
