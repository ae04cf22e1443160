"""instructor around the openai SDK: typed answers, asked for through a tool."""

import asyncio

import instructor
import openai
from asking import BASE_URL, BROKE, KEY, MODEL, USER, WEATHER, refused, say
from instructor.core import InstructorRetryException
from pydantic import BaseModel, field_validator

OPTIONS = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0}
ASKED = {"model": MODEL, "messages": [{"role": "user", "content": WEATHER}], "user": USER}


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    rain: bool


class Impossible(Weather):
    """The weather of a city that there is not."""

    @field_validator("city")
    @classmethod
    def refuse(cls, _city: str) -> str:
        raise ValueError("There is no such city.")


def synchronous(client: instructor.Instructor) -> None:
    say("plain", repr(client.create(response_model=Weather, **ASKED)))
    say("partial", *map(repr, client.create_partial(response_model=Weather, **ASKED)))
    answer, completion = client.create_with_completion(response_model=Weather, **ASKED)
    say("with completion", repr(answer), completion.usage.model_dump_json())
    with refused(InstructorRetryException):
        client.create(response_model=Impossible, max_retries=2, **ASKED)
    with refused(InstructorRetryException):
        client.create(response_model=Weather, max_retries=1, **ASKED | {"model": BROKE})


async def asynchronous() -> None:
    async with openai.AsyncOpenAI(**OPTIONS) as bare:
        client = instructor.from_openai(bare)
        say("plain", repr(await client.create(response_model=Weather, **ASKED)))
        say("partial", *[repr(each) async for each in client.create_partial(response_model=Weather, **ASKED)])


with openai.OpenAI(**OPTIONS) as bare:
    synchronous(instructor.from_openai(bare))
asyncio.run(asynchronous())
