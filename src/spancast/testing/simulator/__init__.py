"""An OpenRouter simulator that listens on loopback and supports all of OpenRouter's API dialects.

    POST /chat/completions · /completions · /responses · /messages       plain, or a stream
    POST /embeddings · /rerank · /images (plain, or a stream) · /audio/speech · /audio/transcriptions · /systemone
    POST /videos · /batches                                              jobs; GET their id to poll them
    GET  /generation · /models · /key                                    and POST /presets/…, which creates a preset
    GET  /keys · /credits · /activity · /analytics/meta                  and POST /analytics/query, for management keys

The responses have the shape of responses recorded in 2026, or of OpenRouter's API description if there is no
recording. The text depends only on the prompt, the token counts on the text (see `tokens.py`), and the cost on the
token counts and the price table (`catalogue.py`), in exact decimals. A repeated prompt is read from the cache if the
model has a price for that. An offered tool is called if the last message names it ("What is the weather?" names
`get_weather`). By default, ids are random and the time is the current time; with `Simulator(seed=7)`, the same requests
in the same order get the same responses, byte for byte.

The simulator also supports OpenRouter's service tiers (`service_tier`, `speed`), web search (the plugin `web`,
`:online`, and the tool `openrouter:web_search` if the last message names it), routing metadata
(`X-OpenRouter-Metadata: enabled`) and the response cache (`X-OpenRouter-Cache: true`).

Request headers that control the simulator, in every dialect:

    X-Simulator-Fault: NAME                  one of the faults below, with any model
    X-Simulator-Chunks: event | whole | N    what a network chunk holds: one event (the default), all, or N bytes
    X-Simulator-Chunk-Delay: SECONDS         the pause before every network chunk
    X-Simulator-Words: N                     the length of the answer in words; a streamed word is an event
    X-Simulator-Tier: NAME                   the service tier that serves where one is asked for: default, flex …
    X-Simulator-Encoding: gzip               a compressed body
    X-Simulator-Done: named                  a stream of Messages ends with an event `data` that is `[DONE]`, as seen
    X-Simulator-Delay: SECONDS               how long `slow` takes (default 0.5)
    X-Simulator-Lookups: N                   how many lookups of this generation are answered 404 first (default 1)
    X-Simulator-Ready-After: SECONDS         how long after its start lookups are answered 404 (default 0)
    X-Simulator-Polls: N                     how many polls find the job under way (default 1)

The faults. Each is also a model of its own: `simulator/429`. A model in `models` that answers 429 or 5xx is passed over
for the next one, as OpenRouter does.

    name             | what happens                                                              | billed
    ---------------- | ------------------------------------------------------------------------- | ----------------
    402              | 402: the credits do not suffice                                           | no
    403              | 403: a guardrail blocks the request                                       | no
    408              | 408: the request times out                                                | no
    429              | 429: the provider limits the rate; `Retry-After`                          | no
    500              | 500: OpenRouter fails, and does not say why                               | no
    502              | 502: the provider fails                                                   | no
    503              | 503: no provider is available; `Retry-After`                              | no
    524              | 524: the edge gives up waiting                                            | no
    529              | 529: the provider is overloaded                                           | no
    502-in-200       | 200 whose whole body is an error 502, also where a stream was asked for   | no
    error-mid-stream | half of the answer, then an error of its own and usage; plain: as below   | yes, 0
    choice-error     | half of the answer, then the error in its choice, finish reason "error"   | yes, 0
    content-filter   | half of the answer, then the finish reason "content_filter"               | yes
    no-completion    | an answer without a token or a finish reason: the insurance pays          | yes, 0
    slow             | headers at once, padding or comments meanwhile, the answer after a delay  | yes
    cut              | the connection is dropped in the middle of the body                       | yes, cancelled
    no-usage         | an answer that states no usage                                            | yes
    byok             | the user's own provider key: the cost is 5 % of the stated upstream cost  | yes, the fee
    byok-free        | the same within the free allowance: cost 0, the upstream cost stated      | yes, 0
    discount         | the endpoint gives a discount: the cost is 65 % of the upstream cost      | yes
    cache-hit        | the response cache answers: no tokens, no cost                            | yes, 0
    garbage          | 200 whose body is not JSON                                                | no
    empty            | 200 whose body has no bytes                                               | no

Each dialect states an error in mid-response in its own way: Responses by `response.failed`, or by an event `error`;
Messages and images by an event `error`; a video by the job's status. If a plain response cannot carry partial output,
it contains only the error, with status 200. Web searches are billed even if the response fails.

`GET /api/v1/generation` returns 404 for the first lookup of a generation (`lookups_before_ready`, `ready_after`), since
OpenRouter's lookups are eventually consistent. A generation whose client disconnects is charged in full and marked as
cancelled, as with the providers that OpenRouter cannot stop (OpenRouter docs, streaming). Polling advances a job, and
the first poll that finds it done charges it. `ready_after` also delays analytics, which returns at most
`analytics_rows` rows and accepts 64 queries per minute. Any key may use the routes that OpenRouter reserves for
management keys, unless `management_key` is set. All bills belong to one account, whatever their key.
"""

from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.command import main_simulator
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.simulator import Simulator

__all__ = ["Bill", "Served", "Simulator", "main_simulator"]
