"""Settings of `assistant`: retrieval, the optional reranker, abstention, the optional language model, the page."""

from pydantic import Field, SecretStr

from index.settings import LayeredSettings

__all__ = ["MAX_QUESTION", "AssistantSettings", "PageSettings"]

MAX_QUESTION = 2000  # characters


class AssistantSettings(LayeredSettings):
    """What decides how a question becomes an answer."""

    dense_weight: float = Field(0.55, ge=0, le=1, description="share of meaning against words in a passage's score")
    sentence_weight: float = Field(
        0.25, ge=0, le=2, description="weight of a passage's best sentence, or two, added to its score"
    )
    depth: int = Field(200, ge=1, le=10_000, description="passages taken from each of the two searches")
    reranker: str = Field("", description="a sentence-transformers CrossEncoder, by name or folder; empty = none")
    reranker_depth: int = Field(50, ge=1, le=1000, description="best passages that the reranker reads and reorders")
    passages: int = Field(10, ge=1, le=1000, description="passages given to the writer and shown")
    reader: bool = Field(True, description="read the best sentences together with the question before answering")
    abstention_threshold: float = Field(
        0.34, ge=0, le=1, description="confidence below which a question counts as not covered"
    )
    llm_base_url: str = Field("", description="address of an OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1")
    llm_model: str = Field("", description="name of the language model on that server; empty = extractive answers")
    llm_api_key: SecretStr = Field(SecretStr(""), description="key of that server, if it wants one")
    llm_context_tokens: int = Field(3000, ge=200, description="tokens of passages given to the language model")
    llm_first_token_timeout: float = Field(
        15.0, gt=0, description="seconds until its first word, after which the extractive writer answers instead"
    )
    llm_timeout: float = Field(25.0, gt=0, description="seconds until its last word, likewise")
    llm_follow_ups: bool = Field(False, description="let the language model complete follow-ups before the search")
    llm_daily_tokens: int = Field(
        2_000_000, ge=0, description="tokens a day, prompt and answer, then answers are extractive; 0 = no limit"
    )
    llm_address_tokens: int = Field(400_000, ge=0, description="the same for each address that asks; 0 = no limit")


class PageSettings(LayeredSettings):
    """How much the page takes on. What is counted by address is counted only where others can reach the page."""

    page_running: int = Field(8, ge=1, le=64, description="questions answered at once, of the page; as many of the API")
    page_waiting: int = Field(64, ge=0, le=10_000, description="questions that may wait; the next one is told to retry")
    page_questions: int = Field(50, ge=1, description="questions a second from all together")
    page_address_questions: int = Field(60, ge=1, description="questions a minute from one address")
    page_address_requests: int = Field(600, ge=1, description="articles, exports and so on a minute from one address")
    page_address_running: int = Field(2, ge=1, description="questions of one address that wait or are answered at once")
