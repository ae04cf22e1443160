"""The SDKs and frameworks that are checked, each with the programs that use it."""

from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")


@dataclass(frozen=True)
class Environment:
    """What is installed together, since that is quicker than one by one, as far as it can be."""

    name: str
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Sdk:
    """A program that knows nothing of Spancast, the SDK that it is about, and the calls that come of it."""

    distribution: str
    environment: Environment
    program: str

    def __str__(self) -> str:
        return f"{self.environment.name}-{self.program}"

    @property
    def path(self) -> Path:
        return PROGRAMS / f"{self.program}.py"

    @property
    def calls(self) -> list[str]:
        """What is asked for and how it ends, in order; `again` is a try that is linked to the first of them."""
        return (PROGRAMS / f"{self.program}.calls.txt").read_text("utf-8").splitlines()


OPENAI_2 = Environment("openai-2", ("openai<3",))
CURRENT = Environment(
    "current",
    ("openai[aiohttp]>=3", "openrouter>=1", "anthropic[aiohttp]", "langchain-openai", "pydantic-ai-slim[openai]"),
)
OPENROUTER_0 = Environment("openrouter-0", ("openrouter<1", "langchain-openrouter"))
LITELLM = Environment("litellm", ("litellm", "dspy", "smolagents[openai]"))
INSTRUCTOR = Environment("instructor", ("instructor",))
LLAMA_INDEX = Environment("llama-index", ("llama-index-llms-openrouter",))
LIVEKIT = Environment("livekit", ("livekit-plugins-openai",))

SDKS = (
    Sdk("openai", OPENAI_2, "openai_chat"),
    Sdk("openai", OPENAI_2, "openai_others"),
    Sdk("openai", CURRENT, "openai_chat"),
    Sdk("openai", CURRENT, "openai_others"),
    Sdk("openrouter", OPENROUTER_0, "openrouter_chat"),
    Sdk("openrouter", OPENROUTER_0, "openrouter_others"),
    Sdk("openrouter", CURRENT, "openrouter_chat"),
    Sdk("openrouter", CURRENT, "openrouter_others"),
    Sdk("anthropic", CURRENT, "anthropic_messages"),
    Sdk("anthropic", CURRENT, "aiohttp_inside"),
    Sdk("langchain-openai", CURRENT, "langchain_openai_chat"),
    Sdk("langchain-openrouter", OPENROUTER_0, "langchain_openrouter_chat"),
    Sdk("pydantic-ai-slim", CURRENT, "pydantic_ai_agent"),
    Sdk("litellm", LITELLM, "litellm_openrouter"),
    Sdk("smolagents", LITELLM, "smolagents_agent"),
    Sdk("dspy", LITELLM, "dspy_module"),
    Sdk("llama-index-llms-openrouter", LLAMA_INDEX, "llama_index_llm"),
    Sdk("instructor", INSTRUCTOR, "instructor_structured"),
    Sdk("livekit-plugins-openai", LIVEKIT, "livekit_plugin"),
)
