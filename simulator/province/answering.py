"""How the province's server takes a request in and gives an answer out, rightly or on a bad day."""

import asyncio
from typing import Any

from simulator.province import messages
from simulator.province.judging import MAX_BODY

_JSON = (b"content-type", b"application/json; charset=utf-8")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_DRIPS = 8  # pieces of an answer that comes slowly


async def body_of(receive: Any) -> bytes | None:
    """A request's body; None when the client goes away in mid-sentence."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            return None
        size += len(message.get("body", b""))
        if size <= MAX_BODY + 1:  # the rest of what is too long anyway is read but not kept
            parts.append(message.get("body", b""))
        elif len(parts[-1]) != MAX_BODY + 1:
            parts = [bytes(MAX_BODY + 1)]
    return b"".join(parts)


async def answer(send: Any, status: int, content: dict[str, Any] | bytes) -> None:
    """Answer with a receipt, or, on a bad day, with bare text that is none."""
    is_text = isinstance(content, bytes)
    body = content if isinstance(content, bytes) else messages.encode(content)
    headers = [_TEXT if is_text else _JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def drip(send: Any, body: bytes, seconds: float) -> None:
    """The right answer, a few bytes at a time."""
    headers = [_JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    size = -(-len(body) // _DRIPS)
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / _DRIPS)
        piece = body[start : start + size]
        await send({"type": "http.response.body", "body": piece, "more_body": start + size < len(body)})


async def reset(send: Any, body: bytes) -> None:
    """Break off in the middle: the server closes a connection whose answer was promised and not given."""
    headers = [_JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
