"""What the API and the MCP tools take, with each limit said in words; api_objects.py has what they give."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from assistant.settings import MAX_QUESTION
from index.controls import CONTROLS

__all__ = [
    "TURNS",
    "Ask",
    "Asked",
    "Count",
    "History",
    "Identity",
    "Order",
    "Read",
    "Search",
    "Turned",
    "Where",
    "Within",
]

TURNS = 100  # turns of a history that are taken
# As `index.controls.CONTROLS`, for readers of the schema; half surrogates are no characters there to begin with.
CHARACTERS = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]*$"


def printable(text: str) -> str:
    """The text; an error where it has a character that no text has."""
    if found := CONTROLS.search(text):
        raise PydanticCustomError(
            "control", "control", {"character": f"U+{ord(found[0]):04X}", "place": found.start() + 1}
        )
    return text


Text = Annotated[str, AfterValidator(printable), Field(json_schema_extra={"pattern": CHARACTERS})]
Values = Annotated[list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=20)]
Asked = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=MAX_QUESTION,
        description=f"text of 1 to {MAX_QUESTION:,} characters, with a word in it",
        examples=["How did the Oslo talks start?"],
    ),
]


class Given(BaseModel):
    """What comes from outside: nothing is converted, and nothing that is unknown is let through."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Within(Given):
    """Which articles to look in; values of one list are alternatives, and all that is given must be met."""

    period: Annotated[
        Text,
        Field(
            max_length=20,
            description="years as 1990-1995, 1990-, -1995 or 1990, or empty",
            examples=["1990-1995"],
        ),
    ] = ""
    regions: Annotated[Values, Field(description="a list of at most 20 regions, each as the articles name it")] = []
    topics: Annotated[Values, Field(description="a list of at most 20 topics, each as the articles name it")] = []
    track: Annotated[Values, Field(description="a list of at most 20 tracks, such as one, 1.5 or two")] = []


class Turned(Given):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"] = Field(description='"user" or "assistant"')
    content: Annotated[Text, Field(max_length=20_000)] = Field(description="text of at most 20,000 characters")


History = Annotated[
    list[Turned],
    Field(max_length=TURNS, description=f"a list of at most {TURNS} turns, oldest first, each with role and content"),
]
Where = Annotated[Within, Field(description="an object of period, regions, topics and track")]
Count = Annotated[int, Field(ge=1, le=100, description="a whole number from 1 to 100: how many passages")]
Order = Annotated[Literal["relevance", "period"], Field(description='"relevance" or "period"')]
Identity = Annotated[
    Text, Field(min_length=1, max_length=1000, description="an article's id, as citations and passages name it")
]


class Ask(Given):
    """A question, with what was said before it and where to look."""

    question: Asked
    history: History = []
    filters: Where = Within()


class Search(Given):
    """Words to look for, and how many passages to give."""

    query: Asked
    k: Count = 10
    filters: Where = Within()
    sort: Order = "relevance"


class Read(Given):
    """Which article to read."""

    doc_id: Identity
