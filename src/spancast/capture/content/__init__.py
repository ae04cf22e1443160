"""The content of an exchange, parsed in the background, never on the application's thread.

- `buffer`          holds the bytes of an exchange as they pass, and makes a Content of them
- `table`           from an operation to its `transcript`: the two functions that find its content
- `chat`            the transcript of chat and text completions
- `responses`       that of the Responses API
- `messages`        that of Anthropic's Messages API
- `other_dialects`  those of embeddings, rerank, images, speech, transcriptions and videos
- `parts`           the parts of a message in the shape of the GenAI semantic conventions
- `limit`           what is stored of all that: its size, secrets, the application's redactor
- `media`           base64 within text, of which the type and the size are stored
- `jsontext`        parses JSON text
"""
