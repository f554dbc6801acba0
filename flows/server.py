"""Prefect's server for as long as standard input is open; started by :mod:`flows.engine`."""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    """Serve on the port given as the only argument of the command."""
    import uvicorn

    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def follow() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        threading.Timer(3, os._exit, (0,)).start()

    threading.Thread(target=follow, daemon=True).start()
    server.run()
    os._exit(0)  # without waiting for background threads: they have nothing left to save


if __name__ == "__main__":
    main()
