"""A server on loopback that says what OpenRouter would: it prints its address, and ends with its standard input."""

import asyncio
import sys

import traffic


def _plain() -> bytes:
    body = traffic.body()
    return _head(("content-type", "application/json"), ("content-length", str(len(body)))) + body


def _pieces() -> list[bytes]:
    events = [b"%x\r\n%b\r\n" % (len(event), event) for event in traffic.stream(traffic.EVENTS - 3)]
    return [_head(("content-type", "text/event-stream"), ("transfer-encoding", "chunked")), *events, b"0\r\n\r\n"]


def _head(*headers: tuple[str, str]) -> bytes:
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in (*headers, *traffic.HEADERS))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


PLAIN, PIECES = _plain(), _pieces()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
            for piece in PIECES if b'"stream":true' in body else [PLAIN]:
                writer.write(piece)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
