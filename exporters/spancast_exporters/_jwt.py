"""JSON Web Tokens signed with an RSA key (RFC 7519, RS256 of RFC 7518 §3.3), by `cryptography`.

`cryptography` is an extra, `spancast[snowflake]` or `[bigquery]`, and imported when the first key is read. A PKCS #1
v1.5 signature is deterministic, so that the same claims make the same token.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def is_installed() -> bool:
    """Whether `cryptography` is installed, without importing it."""
    return find_spec("cryptography") is not None


def text_of(given: str, mark: str) -> str:
    """Return the text of a credential, given that text, which contains `mark`, or the path of its file.

    Raises:
        ValueError: The file cannot be read.
    """
    if mark in given:
        return given
    try:
        return Path(given).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"the file cannot be read: {type(error).__name__}") from None


@lru_cache(maxsize=8)
def key(pem: str, passphrase: str = "") -> "RSAPrivateKey":
    """Return the key in a PEM, in PKCS #8 or PKCS #1; raise `ValueError` where it is not one for RS256."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - for those who sign
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - an extra

    written = pem.replace("\\n", "\n").strip().encode()
    try:
        found = load_pem_private_key(written, passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the key cannot be read, or its passphrase is wrong: {type(error).__name__}") from None
    if not isinstance(found, RSAPrivateKey):
        raise ValueError("the key is not an RSA key")  # noqa: TRY004 - of a value, and not of a type of Python
    return found


def fingerprint(private: "RSAPrivateKey") -> str:
    """Return the SHA-256 of the public key, as Snowflake shows it: `SHA256:` and base64 of the DER's."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - an extra

    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{b64encode(sha256(public).digest()).decode()}"


def signed(claims: Mapping[str, str | int], private: "RSAPrivateKey", key_id: str | None = None) -> str:
    """Return a signed token with these claims."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - an extra

    header = {"alg": "RS256", "typ": "JWT", **({"kid": key_id} if key_id else {})}
    unsigned = b".".join(_part(msgspec.json.encode(each)) for each in (header, claims))
    return (unsigned + b"." + _part(private.sign(unsigned, PKCS1v15(), SHA256()))).decode()


def _part(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
