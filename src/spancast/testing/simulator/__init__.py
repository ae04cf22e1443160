"""An OpenRouter that runs on loopback: chat completions, models, generations, the key's usage and the credits.

The answers have the shape of recorded ones of 2026. Their text follows from the prompt alone, their tokens from the
text (`tokens.py` has the rule), their cost from the tokens and the price table (`models.py`) in exact decimals.
Repeat a prompt and it is read from the cache where the model has a price for that. Offer tools and name one in the
last message ("What is the weather?" names `get_weather`) and it is called. Ids and times are random and now; with
`Simulator(seed=7)` the same requests in the same order are answered the same, to the byte.

What a client can ask for by header on `POST /api/v1/chat/completions`:

    X-Simulator-Fault: NAME                  one of the faults below, with any model
    X-Simulator-Chunks: event | whole | N    what a network chunk holds: one event (the default), all, or N bytes
    X-Simulator-Chunk-Delay: SECONDS         the pause before every network chunk
    X-Simulator-Words: N                     the length of the answer in words; a streamed word is an event
    X-Simulator-Encoding: gzip               a compressed body
    X-Simulator-Delay: SECONDS               how long `slow` takes (default 0.5)

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
    error-mid-stream | half of the answer, then a chunk with `error` and usage; plain: as below  | yes, 0
    choice-error     | half of the answer, then `error` in the choice, finish reason "error"     | yes, 0
    slow             | headers at once, padding or comments meanwhile, the answer after a delay  | yes
    cut              | the connection is dropped in the middle of the body                       | yes, cancelled
    no-usage         | an answer that states no usage                                            | yes
    byok             | the user's own provider key: the cost is 5 % of the stated upstream cost  | yes, the fee
    byok-free        | the same within the free allowance: cost 0, the upstream cost stated      | yes, 0
    cache-hit        | the response cache answers: no tokens, no cost                            | yes, 0
    garbage          | 200 whose body is not JSON                                                | no
    empty            | 200 whose body has no bytes                                               | no

`GET /api/v1/generation` answers 404 to the first lookup of a generation (`lookups_before_ready`, `ready_after`), since
OpenRouter's is eventually consistent. A generation whose client goes away is charged in full and marked as
cancelled, as with the providers that OpenRouter cannot stop (OpenRouter docs, streaming).
"""

from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.command import main_simulator
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.simulator import Simulator

__all__ = ["Bill", "Served", "Simulator", "main_simulator"]
