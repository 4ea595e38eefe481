"""The MCP server: `ask`, `search` and `get_article` as tools, over HTTP at `/mcp` or over standard input and output.

The functions underneath are the API's. The package `mcp` is an extra, and is imported only when it is asked for.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from assistant.errors import AssistantError
from assistant.living import LiveAssistant
from assistant.page import calls
from assistant.page.api_errors import FAULT, LOG, of_validation
from assistant.page.api_types import AnswerObject, Ask, DocumentObject, Found, Search, Turned, Within
from assistant.page.growing import Growing
from index.errors import BackchannelError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mcp.server.fastmcp import Context, FastMCP

__all__ = ["MissingExtraError", "add_mcp", "build_mcp", "run_stdio", "without_mcp"]
