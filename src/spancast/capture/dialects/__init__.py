"""OpenRouter's dialects: how the answers of each route are read.

- `dialect`       what a dialect is; `table` finds that of a request
- `chat`          chat and text completions
- `responses`     OpenAI's Responses API
- `messages`      Anthropic's Messages API
- `images`        images, plain or as a stream
- `jobs`          videos and batches, which are polled
- `plain`         embeddings, rerank, speech, transcriptions, decisions, unknown routes
- `typed_events`  finds the pieces of text in streams whose events state their type
"""
