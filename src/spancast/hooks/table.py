"""The table of patched methods: a row is all it takes to hook one."""

from spancast.hooks import aiohttp, httpx, niquests, urllib, urllib3
from spancast.hooks.patching import Hook

HOOKS = (
    Hook("httpx", "Client", "send", httpx.sync_send),
    Hook("httpx", "AsyncClient", "send", httpx.async_send),
    Hook("httpx2", "Client", "send", httpx.sync_send),
    Hook("httpx2", "AsyncClient", "send", httpx.async_send),
    Hook("aiohttp", "ClientSession", "_request", aiohttp.request),
    Hook("niquests", "Session", "send", niquests.sync_send),
    Hook("niquests", "AsyncSession", "send", niquests.async_send),
    Hook("urllib3", "HTTPConnectionPool", "_make_request", urllib3.make_request),
    Hook("urllib.request", "AbstractHTTPHandler", "do_open", urllib.do_open),
)
