"""Hooks on the client libraries: one table of methods, one file or two per library, one place that patches.

- `table`              the patched methods
- `patching`           wraps them when their modules are imported, and unwraps them
- `sending`            opens an exchange around a client's own send, unless an outer hook has
- `client_request`     what the hooks read of a client's request: whether its host is watched, and its body
- `headers`            headers of any client, folded into one value per name
- `error_response`     the response that an exception is about
- `httpx`              `Client.send` and `AsyncClient.send` of httpx and httpx2
- `httpx_redirects`    their redirects from another host to a watched one
- `httpx_request`      parses their requests
- `httpx_response`     observes their responses
- `aiohttp`            `ClientSession._request`
- `aiohttp_stream`     observes the body of aiohttp's response
- `urllib`             `AbstractHTTPHandler.do_open`
- `urllib3`            `HTTPConnectionPool._make_request`, on which requests builds
- `urllib3_future`     observes urllib3-future's responses and promises
- `http_body`          observes the responses of `http.client`, on which urllib and urllib3 build
- `http_framing`       the framing of an HTTP/1.1 body
- `niquests`           `Session.send` and `AsyncSession.send`
- `niquests_pools`     its connection pools, which retry
- `niquests_attempts`  the attempts of one request
"""
