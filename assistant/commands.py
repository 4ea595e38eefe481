"""ask | search | replay | serve | mcp."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.commands import FROM, HOME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assistant.types import Turn
    from index.filters import Filters

__all__ = ["COMMANDS", "Format", "ask", "mcp", "replay", "search", "serve"]


class Format(StrEnum):
    """The names of `rendering.FORMATS`, which is imported late."""

    text = "text"
    markdown = "markdown"
    json = "json"
    csl = "csl"


class LogFormat(StrEnum):
    """How the server writes its log."""

    text = "text"
    json = "json"


Home = Annotated[Path | None, HOME]
From = Annotated[str | None, FROM]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Period = Annotated[str, typer.Option("--period", help="Years an article is about: 1990-1995, 1990-, -1995 or 1990.")]
Region = Annotated[list[str] | None, typer.Option("--region", help="Only articles on this region; may be repeated.")]
Topic = Annotated[list[str] | None, typer.Option("--topic", help="Only articles on this topic; may be repeated.")]
Track = Annotated[list[str] | None, typer.Option("--track", help="Only this track (one, 1.5, two …); may be repeated.")]


def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    as_json: Json = False,
    shape: Annotated[
        Format | None,
        typer.Option(
            "--format", help="text, Markdown with footnotes, JSON (as --json), CSL-JSON.", show_default="text"
        ),
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="Write a file that `replay` can ask and compare again.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option("--history", help="Earlier turns: a JSON list of {role, content}.")
    ] = None,
    timings: Annotated[bool, typer.Option("--timings", help="Say on standard error where the time went.")] = False,
    period: Period = "",
    region: Region = None,
    topic: Topic = None,
    track: Track = None,
    elsewhere: From = None,
    home: Home = None,
) -> None:
    """Answer a question from the articles, each sentence cited; exit status 0 also when they do not cover it."""
    from assistant.answering import Assistant, checked
    from assistant.rendering import FORMATS
    from assistant.timing import collected, timed

    checked(question)  # before the index is opened: the sentence on bad input comes at once
    form = chosen(as_json, shape)
    turns = read_history(history) if history else []
    within = filters(period, region, topic, track)
    with collected() as parts:
        with timed("opening"):
            assistant = Assistant.open(home, index_from=elsewhere)
        answer = assistant.ask(question, turns, within)
    if timings:
        typer.echo("\n".join(time_lines(answer.timings_ms, parts)), err=True)
    if receipt:
        from assistant.receipts import receipt_of, write_receipt

        write_receipt(receipt, receipt_of(assistant, answer, turns, within))
    if form in (Format.text, Format.csl):  # the other two hold the notices themselves
        warn(answer.notices)
    typer.echo(FORMATS[form](answer))


def time_lines(stages: "Mapping[str, float]", parts: "Mapping[str, float]") -> list[str]:
    """Milliseconds by stage, the parts of each below it."""
    lines = [f"{'opening':20}{parts['opening']:8.1f} ms"]
    for stage, milliseconds in stages.items():
        lines.append(f"{stage:20}{milliseconds:8.1f} ms")
        of_stage = [(name.partition("/")[2], value) for name, value in parts.items() if name.startswith(f"{stage}/")]
        lines += [f"  {name:18}{value:8.1f} ms" for name, value in of_stage]
    return lines


def replay(
    receipt: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt of `ask --receipt`.")],
    elsewhere: From = None,
    home: Home = None,
) -> None:
    """Ask a receipt's question again: `identical`, or what has changed since, and exit status 1."""
    from assistant.answering import Assistant
    from assistant.receipts import read_receipt
    from assistant.receipts import replay as compared

    found = read_receipt(receipt)
    result = compared(found, Assistant.open(home, index_from=elsewhere))
    typer.echo("identical" if result.identical else "\n".join(result.changes))
    if not result.identical:
        raise typer.Exit(1)


def search(
    words: Annotated[str, typer.Argument(help="A question or a few words.")],
    as_json: Json = False,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="Number of passages.")] = 10,
    period: Period = "",
    region: Region = None,
    topic: Topic = None,
    track: Track = None,
    elsewhere: From = None,
    home: Home = None,
) -> None:
    """List the best passages for a question or a few words."""
    from assistant.answering import Assistant, checked
    from assistant.types import passage_json

    checked(words)
    assistant = Assistant.open(home, index_from=elsewhere)
    warn((assistant.index.warning,) if assistant.index.warning else ())
    found = assistant.search(words, k, filters(period, region, topic, track))
    if as_json:
        listed = [passage_json(each) for each in found]
        typer.echo(json.dumps({"question": words, "passages": listed}, ensure_ascii=False, indent=1))
        return
    for each in found:
        place = " · ".join(part for part in (each.passage.title, each.passage.heading) if part)
        typer.echo(f"{each.score:.3f}  {place}  ({each.passage.passage_id})\n       {each.passage.text[:200]}…\n")


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port; the next free one if taken.")] = 7860,
    beyond: Annotated[bool, typer.Option("--open", help="Let others than this machine in; there is no login.")] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A name by which browsers may call it; may be repeated.")
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option("--proxy", help="A proxy's address, whose X-Forwarded-… headers are believed; may be repeated."),
    ] = None,
    root_path: Annotated[str, typer.Option("--root-path", help="The prefix that the proxy strips, as /app.")] = "",
    maintainer: Annotated[
        bool, typer.Option("--maintainer", help="With the maintainer's tab; this machine only.")
    ] = False,
    with_mcp: Annotated[bool, typer.Option("--mcp", help="With a server of tools for MCP clients at /mcp.")] = False,
    open_metrics: Annotated[
        bool, typer.Option("--open-metrics", help="Answer /metrics beyond this machine too.")
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="One JSON object a line, or text.")
    ] = LogFormat.text,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request and each answer.")] = False,
    log_questions: Annotated[bool, typer.Option("--log-questions", help="Log the words of questions, too.")] = False,
    elsewhere: From = None,
    home: Home = None,
) -> None:
    """Serve the page (this is what `python app.py` does)."""
    from assistant.page.listening import Serving
    from assistant.page.service import Log, run

    names, proxies = tuple(allow_host or ()), tuple(proxy or ())
    serving = Serving(host, beyond, names, maintainer, root_path, proxies, open_metrics, with_mcp)
    run(home, port, serving, Log(log_format, access_log, log_questions), index_from=elsewhere)


def mcp(elsewhere: From = None, home: Home = None) -> None:
    """Serve one MCP client over standard input and output: tools ask, search and get_article."""
    from assistant.page.mcp_server import run_stdio

    run_stdio(home, index_from=elsewhere)


COMMANDS = (ask, search, replay, serve, mcp)


def chosen(as_json: bool, shape: Format | None) -> Format:
    """The format asked for; `QuestionError` where `--json` and `--format` disagree."""
    from assistant.errors import QuestionError

    if as_json and shape not in (None, Format.json):
        raise QuestionError(f"--json and --format {shape} ask for two formats. Give one of them")
    return Format.json if as_json else shape or Format.text


def filters(period: str, region: list[str] | None, topic: list[str] | None, track: list[str] | None) -> "Filters":
    """The options as `Filters`."""
    from index.filters import Filters

    return Filters.parse(period, region or (), topic or (), track or ())


def read_history(path: Path) -> "list[Turn]":
    """The turns of a history file; `QuestionError` where it is not a JSON list of {role, content}."""
    from assistant.errors import QuestionError
    from assistant.types import Turn

    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [Turn(str(entry["role"]), str(entry["content"])) for entry in entries]
    except OSError as error:
        raise QuestionError(f"The history {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise QuestionError(f'The history {path} is not a JSON list of {{"role": …, "content": …}} objects') from error


def warn(notices: tuple[str, ...]) -> None:
    """Prints notices to standard error, a line each."""
    for notice in notices:
        typer.echo(f"warning: {notice}", err=True)
