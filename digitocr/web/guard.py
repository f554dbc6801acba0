"""Access control: only names of this machine, a token elsewhere, no posting from other sites.

On the loopback address, whoever can read the files may also see the page. Three things are stopped: a page of another
site that posts here, a name of another site that points here (DNS rebinding), and other machines. Where the page is
served to others, a token in a cookie takes the place of the name. Without encryption it can be read on the network, so
it keeps out the curious, not an attacker on the same wire.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "digitocr-review"
_LARGEST = 1_000_000
"""Bytes of a request."""
_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
            b" form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is this machine's own.

    Parameters
    ----------
    host : str
        Address or name.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that answers what may not pass, and adds the headers that hold browsers back.

    Parameters
    ----------
    app : ASGI application
    token : str
        What a browser must show; '' serves this machine only.
    """

    def __init__(self, app: App, token: str = "") -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self._token and _offered(scope):
            await self._enter(scope, answer)
            return
        refusal = self._refusal(scope, headers)
        if refusal:
            await _plain(answer, 403, refusal)
        else:
            await self._app(scope, receive, answer)

    async def _enter(self, scope: Scope, send: Send) -> None:
        """Exchange the token of a link for a cookie, so that it does not stay in the address."""
        if not secrets.compare_digest(_offered(scope).encode(), self._token.encode()):
            await _plain(send, 403, "this is not the token; take the link that the program printed")
            return
        rest = {k: v[0] for k, v in parse_qs(scope["query_string"].decode("latin-1")).items() if k != "token"}
        path = "/" + str(scope["path"]).lstrip("/")
        # not the path as it came: two slashes would lead to another site
        target = path + ("?" + urlencode(rest) if rest else "")
        cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", target.encode("latin-1", "replace")), (b"set-cookie", cookie.encode())]
        await _plain(send, 303, "", headers)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> str:
        """Return why a request is refused, '' if it is not."""
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0] if ":" in host and not host.endswith("]") else host
        if self._token:
            if not secrets.compare_digest(_shown(headers).encode(), self._token.encode()):
                return "a token is needed; take the link that the program printed"
        elif name not in _OWN_NAMES:
            return "only names of this machine are served"
        elif scope.get("client") and not is_loopback(scope["client"][0]):
            return "only this machine is served"
        if scope["method"] in ("GET", "HEAD"):
            return ""
        origin = headers.get("origin", "")
        if origin.partition("://")[2] != host or not host:
            return "posted from another site"
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "not JSON"
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > _LARGEST:
            return "too large"
        return ""


def _offered(scope: Scope) -> str:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return query.get("token", [""])[0] if scope["method"] == "GET" else ""


def _shown(headers: dict[str, str]) -> str:
    cookies = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


async def _plain(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *(headers or [])]})
    await send({"type": "http.response.body", "body": text.encode()})


TOKEN_VARIABLE = "DIGITOCR_REVIEW_TOKEN"
