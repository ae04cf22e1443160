"""The costs that no answer has stated: asked for at OpenRouter, or estimated by its prices."""
