"""The table of patched methods; hooking another one takes a row here."""

from spancast.hooks import aiohttp, httpx, httpx_redirects, niquests, niquests_pools, urllib, urllib3
from spancast.hooks.patching import Hook

HOOKS = (
    Hook("httpx", "Client", "send", httpx.sync_send),
    Hook("httpx", "AsyncClient", "send", httpx.async_send),
    Hook("httpx2", "Client", "send", httpx.sync_send),
    Hook("httpx2", "AsyncClient", "send", httpx.async_send),
    # A redirect from another host to a watched one, which the hook on `send` does not record.
    *(
        Hook(library, client, "_build_redirect_request", httpx_redirects.build_redirect)
        for library in ("httpx", "httpx2")
        for client in ("Client", "AsyncClient")
    ),
    Hook("httpx", "Client", "_send_single_request", httpx_redirects.sync_single),
    Hook("httpx", "AsyncClient", "_send_single_request", httpx_redirects.async_single),
    Hook("httpx2", "Client", "_send_single_request", httpx_redirects.sync_single),
    Hook("httpx2", "AsyncClient", "_send_single_request", httpx_redirects.async_single),
    Hook("aiohttp", "ClientSession", "_request", aiohttp.request),
    Hook("niquests", "Session", "send", niquests.sync_send),
    Hook("niquests", "AsyncSession", "send", niquests.async_send),
    # Its own names for urllib3-future's classes; that library is installed as `urllib3` or as `urllib3_future`.
    Hook("niquests.adapters", "HTTPConnectionPool", "urlopen", niquests_pools.sync_urlopen),
    Hook("niquests.adapters", "HTTPConnectionPool", "get_response", niquests_pools.sync_get_response),
    Hook("niquests.adapters", "AsyncHTTPConnectionPool", "urlopen", niquests_pools.async_urlopen),
    Hook("niquests.adapters", "AsyncHTTPConnectionPool", "get_response", niquests_pools.async_get_response),
    Hook("niquests.adapters", "Retry", "increment", niquests_pools.increment),
    Hook("urllib3", "HTTPConnectionPool", "_make_request", urllib3.make_request),
    Hook("urllib.request", "AbstractHTTPHandler", "do_open", urllib.do_open),
)
