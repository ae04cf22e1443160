"""A Call in the application's own telemetry: its span, its metrics, its event.

- `tracing`     the tracer in use: the application's as soon as it has one
- `identity`    spans that are ids and nothing more, for an application without a tracer provider
- `globals`     the application's global providers
- `providers`   checks of the providers that a program passes
- `span`        starts and ends the live span of a Call
- `place`       the place of a Call in the trace: a span of ours, or another library's that carries it
- `nesting`     finds another library's LLM span, and sets on it what it lacks
- `link`        names our span in a request, for OpenRouter's Broadcast
- `stamp`       sets user, session and tags on every span of the application
- `app_spans`   the application's own spans that are exported with its calls
- `pending`     those that wait for the first call in their trace
- `ancestry`    the ancestors of open spans
- `sanitizing`  what may be stored of such a span
- `metrics`     the GenAI client metrics of a Call
- `events`      the GenAI inference event of a Call
"""
