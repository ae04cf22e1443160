"""RSA keys of tests, and the tokens that are signed with them (RFC 7515, RFC 7518 §3.3)."""

import json
from base64 import urlsafe_b64decode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)


@cache
def private_key(of: str = "a user") -> rsa.RSAPrivateKey:
    """Return a key, another one for each name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey, passphrase: str = "") -> str:
    """Return a key as people keep it: PKCS #8, encrypted where there is a passphrase."""
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


def verified(token: str, public: rsa.RSAPublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims; raise where the signature is not of the key."""
    said, _, signature = token.rpartition(".")
    public.verify(_bytes(signature), said.encode(), PKCS1v15(), SHA256())
    header, claims = (json.loads(_bytes(part)) for part in said.split("."))
    return header, claims


def _bytes(part: str) -> bytes:
    assert "=" not in part
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
