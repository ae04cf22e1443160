"""An OpenRouter that runs on loopback, and speaks every dialect that OpenRouter does.

    POST /chat/completions · /completions · /responses · /messages       plain, or a stream
    POST /embeddings · /rerank · /images (plain, or a stream) · /audio/speech · /audio/transcriptions · /systemone
    POST /videos · /batches                                              jobs, which a GET of their id tells about
    GET  /generation · /models · /key                                    and POST /presets/…, which makes a preset
    GET  /keys · /credits · /activity · /analytics/meta                  and POST /analytics/query, for management keys

The answers have the shape of recorded ones of 2026, where there are any, else of OpenRouter's own description. Their
text follows from the prompt alone, their tokens from the text (`tokens.py` has the rule), their cost from the tokens
and the price table (`catalogue.py`) in exact decimals. Repeat a prompt and it is read from the cache where the model
has a price for that. Offer tools and name one in the last message ("What is the weather?" names `get_weather`) and it
is called. Ids and times are random and now; with `Simulator(seed=7)` the same requests in the same order are answered
the same, to the byte.

It also takes OpenRouter's own words for: the service tier (`service_tier`, `speed`), searching the web (the plugin
`web`, `:online`, the tool `openrouter:web_search` where the last message names it), how a request was routed
(`X-OpenRouter-Metadata: enabled`) and the response cache (`X-OpenRouter-Cache: true`).

What a client can ask for by header, in every dialect:

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

A failure that comes half way is told as its dialect tells it: Responses by `response.failed`, or by an event `error`;
Messages and images by an event `error`; a video by the job's status. A plain answer that cannot hold half of itself is
the error instead, with status 200. What searching the web costs is billed although the answer fails.

`GET /api/v1/generation` answers 404 to the first lookup of a generation (`lookups_before_ready`, `ready_after`), since
OpenRouter's is eventually consistent. A generation whose client goes away is charged in full and marked as
cancelled, as with the providers that OpenRouter cannot stop (OpenRouter docs, streaming). A job goes on when it is
polled, and is charged by the poll that finds it done. `ready_after` delays analytics as well, which answers with at
most `analytics_rows` rows and takes 64 questions a minute. Any key may ask what OpenRouter tells management keys alone,
unless `management_key` names the one that may; the bills are all of one account, whoever made them.
"""

from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.command import main_simulator
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.simulator import Simulator

__all__ = ["Bill", "Served", "Simulator", "main_simulator"]
