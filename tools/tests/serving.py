"""A web server on this machine that answers well, badly, or late."""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Server = self.server
        server.asked.append((self.path, dict(self.headers)))
        answers = server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(ConnectionError):
            answer(self)

    def log_message(self, *_) -> None:
        pass

    def give(self, code: int, body: bytes, **headers: object) -> None:
        """An answer; `length` instead of the true Content-Length, None for none."""
        length = headers.pop("length", len(body))
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: list[Callable[[Handler], None]]
    asked: list[tuple[str, dict[str, str]]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_) -> None:
        pass


@contextlib.contextmanager
def serving(*answers: Callable[[Handler], None]) -> Iterator[Server]:
    """Each request gets the next answer, the last one again and again."""
    server = Server(("127.0.0.1", 0), Handler)
    server.answers, server.asked = list(answers), []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ranged(body: bytes, etag: str | None = None) -> Callable[[Handler], None]:
    """What a good server does: ranges, If-Range, a strong ETag."""
    etag = etag or f'"{hashlib.md5(body).hexdigest()}"'

    def answer(handler: Handler) -> None:
        wanted, same = handler.headers.get("Range"), handler.headers.get("If-Range")
        if wanted and same in (None, etag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                handler.give(416, b"", Content_Range=f"bytes */{len(body)}")
                return
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            handler.give(206, body[start:], Content_Range=place, ETag=etag)
            return
        handler.give(200, body, ETag=etag)

    return answer


def files(bodies: dict[str, bytes]) -> Callable[[Handler], None]:
    """Several files, by the last part of the address."""

    def answer(handler: Handler) -> None:
        name = handler.path.rpartition("/")[2]
        if name in bodies:
            ranged(bodies[name])(handler)
        else:
            handler.give(404, b"no such file")

    return answer
