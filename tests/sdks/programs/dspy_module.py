"""DSPy on litellm: its language model by itself, and within a module."""

import asyncio
import os

from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, USER, refused, say

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it is fetched from afar when litellm is imported

import dspy
import litellm

litellm.suppress_debug_info = True


class Plain(dspy.ChatAdapter):
    """Takes the whole text for the answer."""

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, str]:
        return dict.fromkeys(signature.output_fields, completion)


def model(name: str = MODEL, **more: object) -> dspy.LM:
    options = {"api_base": BASE_URL, "api_key": KEY, "extra_body": {"user": USER}, "cache": False, "num_retries": 0}
    return dspy.LM(f"openrouter/{name}", **{**options, **more})


def told(piece: dspy.Prediction | litellm.ModelResponseStream) -> str:
    if isinstance(piece, dspy.Prediction):
        return str(piece.answer)
    return "".join(choice.delta.content or "" for choice in piece.choices)


def synchronous() -> None:
    lm = model()
    say("plain", lm(HELLO), lm.history[-1]["usage"])
    say("predict", dspy.Predict("question -> answer")(question=HELLO).answer)
    say("reasoned", dspy.ChainOfThought("question -> answer")(question=HELLO).answer)
    with refused(Exception):
        model(BROKE)(HELLO)
    with refused(Exception):
        model(FAILING, num_retries=1)(HELLO)


async def asynchronous() -> None:
    say("plain", await model().acall(HELLO))
    say("predict", (await dspy.Predict("question -> answer").acall(question=HELLO)).answer)
    stream = dspy.streamify(dspy.Predict("question -> answer"))
    say("stream", *[told(piece) async for piece in stream(question=HELLO)])


dspy.configure(lm=model(), adapter=Plain())
synchronous()
asyncio.run(asynchronous())
