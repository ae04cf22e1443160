"""The user, session and tags of a call.

- `attribution`  the value itself
- `context`      `spancast.attribute`: the attribution of a block or a function
- `baggage`      attribution in W3C baggage
- `rules`        the settings of this process; pseudonyms of users
- `resolution`   the attribution of a call, from everything that states one
- `forward`      adds the user to the body that OpenRouter gets
- `request`      where a middleware finds the attribution of a request
- `asgi`         middleware for ASGI: FastAPI, Starlette, Quart, Litestar, Django
- `wsgi`         middleware for WSGI: Flask, Django
- `django`       middleware for Django
- `celery`       carries attribution to the workers of Celery tasks
"""
