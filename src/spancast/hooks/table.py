"""The table of patched methods: a row is all it takes to hook one."""

from spancast.hooks import aiohttp, httpx, httpx_redirects, niquests, niquests_pools, urllib, urllib3
from spancast.hooks.patching import Hook

HOOKS = (
    Hook("httpx", "Client", "send", httpx.sync_send),
    Hook("httpx", "AsyncClient", "send", httpx.async_send),
    Hook("httpx2", "Client", "send", httpx.sync_send),
    Hook("httpx2", "AsyncClient", "send", httpx.async_send),
    # What a redirect leads to from another host, of which `send` has taken no note.
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
    # The names by which it knows urllib3-future, which may have the name of urllib3, or one of its own.
    Hook("niquests.adapters", "HTTPConnectionPool", "urlopen", niquests_pools.sync_urlopen),
    Hook("niquests.adapters", "HTTPConnectionPool", "get_response", niquests_pools.sync_get_response),
    Hook("niquests.adapters", "AsyncHTTPConnectionPool", "urlopen", niquests_pools.async_urlopen),
    Hook("niquests.adapters", "AsyncHTTPConnectionPool", "get_response", niquests_pools.async_get_response),
    Hook("niquests.adapters", "Retry", "increment", niquests_pools.increment),
    Hook("urllib3", "HTTPConnectionPool", "_make_request", urllib3.make_request),
    Hook("urllib.request", "AbstractHTTPHandler", "do_open", urllib.do_open),
)
