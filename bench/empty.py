"""An application that answers nothing: what the HTTP server and the load generator cost alone.

python -m bench.empty --port 9905
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.servers import serve

_BODY = b'{"data":{}}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def empty(scope: Any, receive: Any, send: Any) -> None:
    """A raw ASGI application with one small answer; 404 but for `/graphql`."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive())["more_body"]:
        pass
    status = 200 if scope["path"] == "/graphql" else 404
    await send({"type": "http.response.start", "status": status, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    serve(empty, parser.parse_args().port)
