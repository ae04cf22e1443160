"""Removing what looks like a secret from text: API keys, bearer tokens, passwords."""

import json
import re
from collections.abc import Sequence
from urllib.parse import quote

REMOVED = "[removed]"
"""Stands where a secret stood."""

_SECRETS = re.compile(
    r"""(?aix)(?<![a-z0-9])(?:
      (?:sk|pk|rk)-[a-z0-9_-]{8,}              # OpenRouter, OpenAI, Anthropic, Langfuse
    | (?:sk|pk|rk)_(?:live|test)_[a-z0-9]{8,}  # Stripe
    | (?:gh[oprsu]|github_pat|hf|gsk)_\w{20,}  # GitHub, Hugging Face, Groq
    | xai-[a-z0-9]{20,}                        # xAI
    | glpat-[\w-]{16,}                         # GitLab
    | xox[a-z]-[\w-]{10,}                      # Slack
    | lsv2_\w{16,}                             # LangSmith
    | AIza[\w-]{30,}                           # Google
    | (?:AKIA|ASIA)[a-z0-9]{16}(?![a-z0-9])    # AWS
    | eyJ[\w-]{10,1024}\.eyJ[\w-]{10,}\.[\w-]+ # JSON Web Tokens; bounded, or each start would scan to the end
    | bearer\s{1,20}\S+
    | (?<=://)[^\s/@:"']{0,256}:[^\s/@"']{1,256}(?=@)  # a URL's user and password
    | authorization["']?[\t\ ]{0,20}[=:][\t\ ]{0,20}["']?basic[\t\ ]{1,20}(?!auth)\S+
    | (?:(?:api|access|private|secret)[_-]?key|token|passw(?:or)?d|(?:client[_-]?)?secret)
      \\?["']?[\t\ ]{0,20}[=:][\t\ ]{0,20}   # and what follows: in quotes, in escaped ones, or a word
      (?:"(?:[^"\\\n]|\\.){0,1024}"\S*|'(?:[^'\\\n]|\\.){0,1024}'\S*|\\"[^"\\\n]{0,1024}\\"\S*|\S+)
    | private\ key-----[a-z0-9+/=\s\\]+        # PEM
    )"""
)
_MARKS = (
    "@",
    *("sk-", "pk-", "rk-", "_live_", "_test_", "ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_", "hf_", "gsk_"),
    *("xai-", "glpat-", "xox", "lsv2_", "aiza", "akia", "asia", "eyj", "bearer", "authorization", "private key-----"),
    *("_key", "-key", "apikey", "accesskey", "privatekey", "token", "password", "passwd", "secret", "cookie"),
)
"""Every match of the patterns contains one of these; searching for them first is far faster."""
_NAMED = re.compile(
    r"(?ai)(?:.*[_-])?(?:api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|client[_-]?secret|secret"
    r"|(?:auth|access|bearer|refresh|id|session)?[_-]?token|password|passwd|authorization|cookies?)"
)


def without_secrets(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text without the given `secrets` and without anything that looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin with another
        text = text.replace(secret, REMOVED)
    return _SECRETS.sub(REMOVED, text) if may_hold_secrets(text) else text


def without_word(text: str, word: str) -> str:
    """Return a text without a secret word where it stands by itself: the user `7` is not part of `17`.

    Case does not matter, and the word is also found as a URL or JSON encodes it. A word that is not only letters may
    follow an underscore, as in `id_7`; a word of letters may not: `server_error` does not name the user `server`.
    """
    forms = "|".join(map(re.escape, {word, quote(word, safe=""), json.dumps(word)[1:-1]}))
    beside = r"\w" if word.isalpha() else r"[^\W_]"
    return re.sub(rf"(?i)(?<!{beside})(?:{forms})(?!{beside})", REMOVED, text)


def may_hold_secrets(text: str, secrets: Sequence[str] = ()) -> bool:
    """Return whether a text may hold a secret: a fast test without false negatives."""
    for secret in secrets:
        if secret in text:
            return True
    lowered = text.lower()
    for mark in _MARKS:  # noqa: SIM110 - a generator costs each call a microsecond
        if mark in lowered:
            return True
    return False


def names_secret(name: str) -> bool:
    """Return whether a member of this name holds a secret, whatever its value looks like."""
    return _NAMED.fullmatch(name[:_MAX_NAME_CHARS]) is not None


_MAX_NAME_CHARS = 64
