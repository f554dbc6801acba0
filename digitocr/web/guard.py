"""Access control: a token in a cookie, no posting from other sites, no more than a page of ours sends.

Other people of this machine reach the loopback address as well, and may not read the files, so that a token is asked
for there, too. It also stops a name of another site that points here (DNS rebinding). Without encryption it can be read
on the network, so elsewhere it keeps out the curious, not an attacker on the same wire. Without a token, where a server
of one's own asks for none, only names and addresses of this machine are served.
"""

from __future__ import annotations

import asyncio
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
"""Followed by the port: browsers keep one cookie for all ports of a name."""
_LARGEST = 1_000_000
"""Bytes of a request."""
BODY_S = 30.0
"""In which all of them must arrive."""
UPLOAD_PATH, SHEET_PATH = "/api/upload", "/api/forms/sheet"
"""To which files and sheets of a form are put; whoever serves them counts their bytes and the time."""
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
            await receive()
            await send({"type": "websocket.close", "code": 1008})
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
        elif scope["method"] in ("GET", "HEAD") or _is_upload(scope):
            await self._app(scope, receive, answer)
        else:
            await self._post(scope, receive, answer)

    async def _post(self, scope: Scope, receive: Receive, answer: Send) -> None:
        """Pass a request on once it is there, whatever its headers say of its length."""
        body = bytearray()
        message: Message = {"more_body": True}
        try:
            async with asyncio.timeout(BODY_S):
                while message.get("more_body"):
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    if len(body) > _LARGEST:
                        await _plain(answer, 413, "too large")
                        return
        except TimeoutError:
            await _plain(answer, 408, "too slow")
            return
        whole = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def received() -> Message:
            return next(whole, None) or await receive()

        await self._app(scope, received, answer)

    async def _enter(self, scope: Scope, send: Send) -> None:
        """Exchange the token of a link for a cookie, so that it does not stay in the address."""
        if not secrets.compare_digest(_offered(scope).encode(), self._token.encode()):
            await _plain(send, 403, "this is not the token; take the link that the program printed")
            return
        rest = {k: v[0] for k, v in parse_qs(scope["query_string"].decode("latin-1")).items() if k != "token"}
        path = "/" + str(scope["path"]).lstrip("/")
        # not the path as it came: two slashes would lead to another site
        target = path + ("?" + urlencode(rest) if rest else "")
        cookie = f"{_cookie(scope)}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", target.encode("latin-1", "replace")), (b"set-cookie", cookie.encode())]
        await _plain(send, 303, "", headers)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> str:
        """Return why a request is refused, '' if it is not."""
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0] if ":" in host and not host.endswith("]") else host
        if self._token:
            if not secrets.compare_digest(_shown(scope, headers).encode(), self._token.encode()):
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
        if _is_upload(scope):  # no form can put, so that another site would have to ask first
            return ""
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "not JSON"
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > _LARGEST:
            return "too large"
        return ""


def _is_upload(scope: Scope) -> bool:
    return bool(scope["method"] == "PUT" and scope["path"] in (UPLOAD_PATH, SHEET_PATH))


def _offered(scope: Scope) -> str:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return query.get("token", [""])[0] if scope["method"] == "GET" else ""


def _cookie(scope: Scope) -> str:
    port = (scope.get("server") or ("", None))[1]
    return f"{COOKIE}-{port}" if port else COOKIE


def _shown(scope: Scope, headers: dict[str, str]) -> str:
    cookies, name = SimpleCookie(), _cookie(scope)
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""


async def _plain(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *(headers or [])]})
    await send({"type": "http.response.body", "body": text.encode()})


TOKEN_VARIABLE = "DIGITOCR_REVIEW_TOKEN"
