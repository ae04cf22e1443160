"""Flask."""

from flask import Flask, Response, request, stream_with_context

from spancast.attribution.wsgi import AttributionMiddleware
from tests.attribution.frameworks import asking

app = Flask(__name__)
app.wsgi_app = AttributionMiddleware(app.wsgi_app, user="x-user-id")  # type: ignore[method-assign]


@app.get("/alive")
def alive() -> str:
    return "ok\n"


@app.get("/plain")
def plain() -> bytes:
    return asking.ask(request.headers["x-user-id"], "plain")


@app.get("/stream")
def stream() -> Response:
    return Response(stream_with_context(asking.stream(request.headers["x-user-id"])))
