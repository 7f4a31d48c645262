"""A server on loopback in the form of OpenAI's, whose replies a test decides."""

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar


class Model(BaseHTTPRequestHandler):
    """A server on loopback that answers as its test says."""

    replies = staticmethod(lambda body: (200, {}))
    seen: ClassVar[list] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, self.headers.get("Authorization"), body))
        status, reply = self.replies(body)
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(ConnectionError):  # the program that asked may be dead
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def serving(server):
    """The server, at work until `shutdown`, which takes as long as it looks away from it: half a second if nothing is said."""
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    return server


LOOK_SECONDS = 0.02


@contextmanager
def served():
    """A function that starts servers, which end with the block."""
    servers = []

    def start(replies):
        handler = type("Handler", (Model,), {"replies": staticmethod(replies), "seen": []})
        server = HTTPServer(("127.0.0.1", 0), handler)
        servers.append(serving(server))
        return f"http://127.0.0.1:{server.server_port}/v1", handler.seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def make_reply(text, tokens=7):
    return 200, {"choices": [{"message": {"content": text}}], "usage": {"total_tokens": tokens}}
