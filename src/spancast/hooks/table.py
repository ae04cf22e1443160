"""The table of patched methods: a row is all it takes to hook one."""

from spancast.hooks import aiohttp, httpx
from spancast.hooks.patching import Hook

HOOKS = (
    Hook("httpx", "Client", "send", httpx.sync_send),
    Hook("httpx", "AsyncClient", "send", httpx.async_send),
    Hook("httpx2", "Client", "send", httpx.sync_send),
    Hook("httpx2", "AsyncClient", "send", httpx.async_send),
    Hook("aiohttp", "ClientSession", "_request", aiohttp.request),
)
