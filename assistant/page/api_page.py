"""The page that describes the API, made from its OpenAPI schema; it needs no script."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from assistant.page.api_objects import AnswerObject, DocumentObject, ErrorObject, Found, StatusObject
from assistant.page.escaping import in_fragment
from assistant.page.static_files import address

__all__ = ["api_page"]

PAGE = """<!doctype html>
<html lang="en" class="reference"><head><meta charset="utf-8"><title>The API of Backchannel</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="{icon}"><link rel="stylesheet" href="{style}"></head>
<body class="reference"><main><p class="way"><a href="{base}/">Backchannel</a></p><h1>The API</h1>
<p>{about}</p><p>The same as a schema: <a href="{base}/api/openapi.json">openapi.json</a>.
Nothing has to be logged into; limits apply to each address.</p>
<nav aria-label="On this page"><ul>{contents}</ul></nav>
{operations}
{objects}</main></body></html>
"""
# What an address may look like that is shown in a command to be copied; a browser's Host header is anybody's.
ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
UNKNOWN = "http://127.0.0.1:7860"
QUESTION = "How did the Oslo talks start?"
BODIES: Mapping[str, Mapping[str, Any]] = {
    "/ask": {"question": QUESTION, "filters": {"period": "1990-1995"}},
    "/search": {"query": "secret talks in Norway", "k": 3, "sort": "period"},
}
OBJECTS = (AnswerObject, Found, DocumentObject, StatusObject, ErrorObject)


def api_page(schema: Mapping[str, Any], base: str) -> str:
    """The page for an OpenAPI schema; `base` is where the service is reached, as the request says."""
    base = base.rstrip("/")
    base = base if ADDRESS.fullmatch(base) else UNKNOWN
    known = schema["components"]["schemas"]
    found = [(method, path, each) for path, at in schema["paths"].items() for method, each in at.items()]
    contents = "".join(
        f'<li><a href="#{slug(path)}">{method.upper()} /api{in_fragment(path)}</a></li>' for method, path, _ in found
    )
    described = "".join(operation(method, path, each, known, base) for method, path, each in found)
    listed = "".join(object_table(model.__name__, known) for model in OBJECTS)
    return PAGE.format(
        icon=address("favicon.svg"),
        style=address("page.css"),
        base=in_fragment(base),
        about=code_marked(schema["info"]["description"]),
        contents=contents,
        operations=described,
        objects=f"<h2>What comes back</h2>{listed}",
    )


def operation(method: str, path: str, told: Mapping[str, Any], known: Mapping[str, Any], base: str) -> str:
    """One operation: what it takes, what it answers, how to call it."""
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    rows = "".join(fields(body, known)) + "".join(
        row(each["name"], "text", each.get("description", ""), each["required"]) for each in told.get("parameters", ())
    )
    answers = "".join(
        f"<tr><th scope='row'>{status}</th><td>{code_marked(each['description'])}</td></tr>"
        for status, each in told["responses"].items()
    )
    takes = table("Field|Kind|What it takes", rows, "What it takes") if rows else ""
    calls = "".join(
        f'<pre tabindex="0"><code class="curl">{in_fragment(each)}</code></pre>' for each in curls(path, base)
    )
    return (
        f'<section id="{slug(path)}"><h2><span class="method">{method.upper()}</span> /api{in_fragment(path)}</h2>'
        f"<p>{in_fragment(told.get('summary', ''))}.</p>{takes}"
        f"{table('Status|What it says', answers, 'What it answers')}{calls}</section>"
    )


def curls(path: str, base: str) -> Iterator[str]:
    """Commands that call the operation as they stand."""
    if path in BODIES:
        sent = f"-H 'Content-Type: application/json' -d '{json.dumps(BODIES[path])}'"
        yield f"curl -s {base}/api{path} {sent}"
        if path == "/ask":
            yield f"curl -sN {base}/api{path} -H 'Accept: text/event-stream' {sent}"
    else:
        yield f"curl -s {base}/api{path.replace('{id}', 'oslo-channel')}"


def fields(schema: Mapping[str, Any], known: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """A row for each field of an object, those of the objects in it after it."""
    found = resolved(schema, known)
    for name, field in found.get("properties", {}).items():
        inner = resolved(field.get("items", field), known)
        wanted = name in found.get("required", ())
        yield row(f"{within}{name}", kind(field, known), field.get("description", ""), wanted, field.get("default"))
        if inner.get("properties"):
            yield from fields(inner, known, f"{within}{name}{'[]' if 'items' in field else ''}.")


def row(name: str, of_kind: str, limit: str, required: bool, default: object = None) -> str:
    """One field."""
    optional = f"; else {json.dumps(default)}" if default and not isinstance(default, dict) else ""
    need = "required" if required else f"optional{optional}"
    return (
        f'<tr><th scope="row"><code>{in_fragment(name)}</code></th>'
        f"<td>{in_fragment(of_kind)}, {in_fragment(need)}</td><td>{in_fragment(limit)}</td></tr>"
    )


def object_table(name: str, known: Mapping[str, Any]) -> str:
    """What an object that comes back holds."""
    model = known[name]
    title = name.removesuffix("Object")
    rows = "".join(
        f'<tr><th scope="row"><code>{in_fragment(each)}</code></th><td>{in_fragment(kind(field, known))}</td></tr>'
        for each, field in model["properties"].items()
    )
    inside = table("Field|Kind", rows, title)
    about = code_marked(" ".join(model.get("description", "").split()))
    return f"<section><h3>{title}</h3><p>{about}</p>{inside}</section>"


def kind(field: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """A field's type in words."""
    if "$ref" in field:
        inner = ", ".join(resolved(field, known).get("properties", {}))
        return f"object of {inner}" if inner else "object"
    if "anyOf" in field:
        return " or ".join(kind(each, known) for each in field["anyOf"])
    if "enum" in field:
        return " or ".join(json.dumps(each) for each in field["enum"])
    if field.get("type") == "array":
        return f"list of: {kind(field.get('items', {}), known)}"
    words = {"string": "text", "integer": "whole number", "object": "object", "null": "null", "number": "number"}
    return words.get(field.get("type", ""), "any")


def resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference names, else itself."""
    return known[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def table(heads: str, rows: str, label: str) -> str:
    """A table that can be scrolled, with the keyboard too, where it is wider than the page."""
    cells = "".join(f'<th scope="col">{each}</th>' for each in heads.split("|"))
    head = f"<thead><tr>{cells}</tr></thead>"
    inside = f"<table>{head}<tbody>{rows}</tbody></table>"
    return f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{inside}</div>'


def slug(path: str) -> str:
    """The anchor of an operation."""
    return "api" + re.sub(r"\W+", "-", path).rstrip("-")


def code_marked(text: str) -> str:
    """Our own words with their `code` marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", in_fragment(text))
