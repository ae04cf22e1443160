"""The body of an answer as the network brings it: decoded, split into events, read as it passes.

- `content_encoding`  decodes gzip, deflate, br and zstd
- `reader`            reads one JSON object, a stream of events, or opaque bytes
- `sse`               splits a body into server-sent events
- `text_events`       counts events that differ only in a piece of text
- `bulk`              removes images, audio and embeddings from a body that is too long
- `ends`              the two ends of one that is still too long
"""
