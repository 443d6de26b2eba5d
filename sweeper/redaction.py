"""Text without secrets: what is printed, recorded or written as a report passes through here.

A secret is the password in an address, what follows `token=` and the like in one, a value of the
environment whose name says so, and the token of a Ray cluster. A database or a server is still
opened with what the user gave; only what is told of it has `HIDDEN` in the place of a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

MARK = "HIDDEN"
SHORTEST = 8  # characters; a shorter value would hide words that mean something else

_NAMES = re.compile(
    r"(TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?|APIKEY|(^|_)KEY(_ID)?)$",
    re.IGNORECASE,
)
_RAY_TOKEN = "~/.ray/auth_token"
# Each part begins with fixed signs, so that a megabyte of base64 is searched in no time.
_ADDRESS = re.compile(
    r"(?P<before>://[^\s/?#@:\"'<>]{0,256}:)"
    r"(?!\d{1,5}[/?#])[^\s\"'<>]{1,512}(?=@)"  # a '/' of a password is often bare; no port
    r"|(?P<web>(?<=http)s?://)[^\s/?#@:\"'<>]{16,}(?=@)"  # a token instead of user and password
    r"|(?P<query>[?&;]\w{0,32}(?:token|password|passwd|secret|key|signature|sig)=)[^\s&#;\"'<>]+"
    r"|(?P<header>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer)\s+)[^\s\"'<>]+",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """`text` with `HIDDEN` in the place of every secret; twice is as good as once."""
    if len(text) < SHORTEST:
        return text
    for _, secret in _secrets():
        text = text.replace(secret, MARK)
    return _ADDRESS.sub(lambda found: f"{found[found.lastgroup or 0]}{MARK}", text)


def secret_in(text: str) -> str:
    """What secret is in `text`, in words that do not tell it; empty if none is."""
    if len(text) < SHORTEST:
        return ""
    for source, secret in _secrets():
        if secret in text:
            return f"the value of {source}"
    return "an address with a password or a token" if redacted(text) != text else ""


def password_in(address: str) -> bool:
    """Whether somebody who reads `address` can log in with it."""
    return redacted(address) != address


@cache
def _is_secret(name: str) -> bool:
    return bool(_NAMES.search(name))


def _secrets() -> Iterator[tuple[str, str]]:
    """Where each known secret comes from, and how it may be written; longer ones first."""
    found = {name: value.strip() for name, value in os.environ.items() if _is_secret(name)}
    place = os.environ.get("RAY_AUTH_TOKEN_PATH") or os.path.expanduser(_RAY_TOKEN)
    with suppress(OSError):  # there is none, or not for us
        found["Ray's token"] = Path(place).read_text(encoding="utf-8", errors="replace").strip()
    for source, value in sorted(found.items(), key=lambda each: -len(each[1])):
        path = value[:1] in "/~" and os.path.exists(os.path.expanduser(value))  # of a key's file
        if len(value) >= SHORTEST and not path:
            yield source, value
            if (written := quote(value, safe="")) != value:
                yield source, written
