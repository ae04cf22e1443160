"""What looks like a secret, in words that are to be kept: keys, bearer tokens, passwords."""

import re
from collections.abc import Sequence

REMOVED = "[removed]"
"""Stands where a secret stood."""

_SECRETS = re.compile(
    r"""(?aix)(?<![a-z0-9])(?:
      (?:sk|pk|rk)-[a-z0-9_-]{8,}              # OpenRouter, OpenAI, Anthropic, Langfuse
    | (?:sk|pk|rk)_(?:live|test)_[a-z0-9]{8,}  # Stripe
    | (?:gh[oprsu]|github_pat|hf)_\w{20,}      # GitHub, Hugging Face
    | glpat-[\w-]{16,}                         # GitLab
    | xox[a-z]-[\w-]{10,}                      # Slack
    | lsv2_\w{16,}                             # LangSmith
    | AIza[\w-]{30,}                           # Google
    | (?:AKIA|ASIA)[a-z0-9]{16}(?![a-z0-9])    # AWS
    | eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+     # JSON Web Tokens
    | bearer\s{1,20}\S+
    | (?<=://)[^\s/@:"']{0,256}:[^\s/@"']{1,256}(?=@)  # a URL's user and password
    | (?:api[_-]?key|token|password|client[_-]?secret|secret[_-]?key)["']?[\t\ ]{0,20}[=:][\t\ ]{0,20}\S+
    | private\ key-----[a-z0-9+/=\s\\]+        # PEM
    )"""
)
_MARKS = (
    "@",
    *("sk-", "pk-", "rk-", "_live_", "_test_", "ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_", "hf_", "glpat-"),
    *("xox", "lsv2_", "aiza", "akia", "asia", "eyj", "bearer", "apikey", "api_key", "api-key", "token", "password"),
    *("client_secret", "client-secret", "clientsecret", "secret_key", "secret-key", "secretkey", "private key-----"),
)
"""One of these is in every secret that is looked for: to look for them is a hundred times faster."""
_NAMED = re.compile(
    r"(?i)(?:.*[_-])?(?:api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|client[_-]?secret|secret"
    r"|(?:auth|access|bearer|refresh|id|session)?[_-]?token|password|passwd|authorization)"
)


def without_secrets(written: str, secrets: Sequence[str] = ()) -> str:
    """Return a text without the `secrets` that are known, and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin with another
        written = written.replace(secret, REMOVED)
    return _SECRETS.sub(REMOVED, written) if may_hold_secrets(written) else written


def may_hold_secrets(written: str, secrets: Sequence[str] = ()) -> bool:
    """Return whether a text is worth a closer look: quick, and never wrong where it says no."""
    for secret in secrets:
        if secret in written:
            return True
    seen = written.lower()
    for mark in _MARKS:  # noqa: SIM110 - a generator costs each call a microsecond
        if mark in seen:
            return True
    return False


def names_secret(name: str) -> bool:
    """Return whether a member of this name holds a secret, whatever that looks like."""
    return _NAMED.fullmatch(name[:_LONGEST_NAME]) is not None


_LONGEST_NAME = 64
