"""Bytes in, Call out. No I/O, no OpenTelemetry; it knows OpenRouter's dialects and nothing of its listeners.

- `http_request`  a request as a hook describes it
- `route`         whether it is a call to a model, by its host and its path; `api_path` splits the path
- `request`       what it states
- `exchange`      one HTTP exchange in progress, with a Call as its result
- `tee`           feeds the exchange while the caller reads the body
- `headers`       what the headers of an answer state
- `body`          reads the body as it passes
- `dialects`      how the answers of each route are read
- `reading`       what has been read of one answer so far; `usage` its tokens and dollars
- `failure`       what went wrong; the credentials of a request
- `scrubbing`     removes secrets from what requests and answers state
- `content`       what was requested and answered, where that is captured
- `generations`   what OpenRouter records of a generation
- `json_decoder`  decodes untrusted JSON; `values` reads single values of it
- `json_body`     edits the JSON body of a request
"""
