"""Django, by WSGI and by ASGI: its own users, signed in by a session, and an answer by steps."""

import os
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

FOLDER = Path(os.environ["MARKS"]).parent
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "django.db",
            "OPTIONS": {"timeout": 60, "init_command": "PRAGMA journal_mode=WAL"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    LOGGING={
        "version": 1,
        "handlers": {"log": {"class": "logging.StreamHandler"}},
        "loggers": {"django.request": {"handlers": ["log"], "level": "ERROR"}},
    },
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "spancast.attribution.django.AttributionMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no account",
    SPANCAST_ATTRIBUTION={"tags": {"tenant": "x-tenant", "path": f"{__name__}:path_of"}},
)
django.setup()

from django.contrib.auth import aauthenticate, alogin  # noqa: E402 - once Django is set up
from django.contrib.auth.backends import BaseBackend  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402

from tests.attribution.frameworks import asking  # noqa: E402


def prepare() -> None:
    """Make the database and its users."""
    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(pk=number + 1000, username=f"u_{number}") for number in range(50))


class Believing(BaseBackend):
    """Believes who somebody says to be."""

    def authenticate(self, _request: HttpRequest, username: str | None = None) -> User | None:
        return User.objects.filter(username=username).first()

    def get_user(self, pk: int) -> User | None:
        return User.objects.filter(pk=pk).first()


settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Believing"]


def path_of(request: HttpRequest) -> str:
    return request.path


async def alive(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n")


async def login(request: HttpRequest) -> HttpResponse:
    user = await aauthenticate(request, username=request.headers["x-user-id"])
    await alogin(request, user)
    return HttpResponse(".")


async def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await asking.ask_async(request.headers["x-user-id"], "plain"))


def thread(request: HttpRequest) -> HttpResponse:
    return HttpResponse(asking.ask(request.headers["x-user-id"], "thread"))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(asking.stream(request.headers["x-user-id"]))


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(asking.stream_async(request.headers["x-user-id"], "stream_async"))


urlpatterns = [path(each.__name__, each) for each in (alive, login, plain, thread, stream, stream_async)]
wsgi: Any = get_wsgi_application()
asgi: Any = get_asgi_application()
