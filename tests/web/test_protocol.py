import asyncio
import socket

import pytest
import uvicorn

from digitocr.web import protocol


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def talk(*parts):
    """Send parts of requests, with pauses; return all that is answered until the server closes the connection."""

    async def both():
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=protocol.TimedProtocol, lifespan="off", log_level="error")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.15)
        answered = await asyncio.wait_for(reader.read(), 3)
        writer.close()
        server.should_exit = True
        await serving
        return answered

    return asyncio.run(both())


REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "answers"),
    [((b"",), 0), ((b"GET / HTTP/1.1\r\n", b"host:", b" a"), 0), ((REQUEST, REQUEST, b"GET"), 2)],
)
def test_headers_that_do_not_come_end_the_connection(monkeypatch, parts, answers):
    monkeypatch.setattr(protocol, "HEADERS_S", 0.5)
    assert talk(*parts).count(b"200 OK") == answers
