"""The library as a table: a row an article, which the browser sorts and filters, or pages of rows from the server."""

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.page.escaping import in_fragment, isolated
from assistant.page.labels import FACET_NAMES, facet_label, years
from assistant.page.library_entries import COLUMNS, Entry, counted, labels, narrowed, ordered, values
from assistant.page.links import article_link
from index.filters import FACETS

__all__ = ["AT_ONCE", "page_of_rows", "search_form", "table"]

AT_ONCE = 2000  # articles, which take a browser 1.7 s to show on a busy machine; more come in pages from the server
PAGE = 100  # rows
ANY = {"regions": "All regions", "topics": "All topics", "track": "All tracks"}


def search_form(all_: Sequence[Entry]) -> str:
    """The box and the lists by which the articles are filtered."""
    box = (
        '<label class="wide"><span>Filter</span><input type="search" id="lib-words" autocomplete="off" '
        'spellcheck="false" placeholder="Words of a title or summary" maxlength="200"></label>'
    )
    lists = "".join(choice(all_, facet) for facet in FACETS)
    clear = '<button type="button" id="lib-clear" hidden>Clear filters</button>'
    return f'<div class="lib-filters" role="search" aria-label="Filter the library">{box}{lists}{clear}</div>'


def choice(all_: Sequence[Entry], facet: str) -> str:
    """A facet's values to choose from, with their counts; nothing where there are none."""
    found = counted(all_, facet)
    if not found:
        return ""
    options = "".join(
        f'<option value="{in_fragment(value)}">{in_fragment(isolated(facet_label(facet, value)))} ({count:,})</option>'
        for value, count in found
    )
    return (
        f"<label><span>{FACET_NAMES[facet]}</span>"
        f'<select data-facet="{facet}"><option value="">{ANY[facet]}</option>{options}</select></label>'
    )


def table(all_: Sequence[Entry], generation: str) -> str:
    """The table, by title; a column of which no article knows anything is left out."""
    columns = shown(all_)
    heads = "".join(
        f'<th role="columnheader" scope="col" class="{name}" aria-sort="{"ascending" if name == "title" else "none"}">'
        f'<button type="button" data-sort="{name}">{COLUMNS[name][0]}</button></th>'
        for name in columns
    )
    paged = len(all_) > AT_ONCE
    body = rows(all_[:PAGE] if paged else all_, columns, generation)
    pages = f' data-pages="{pages_of(len(all_))}"' if paged else ""
    steps = (
        '<nav class="lib-pages" aria-label="Pages of the table"><button type="button" data-step="-1" disabled>Previous'
        f"</button><span>Page 1 of {pages_of(len(all_)):,}</span>"
        '<button type="button" data-step="1">Next</button></nav>'
    )
    return (
        f'<table class="lib-table" role="table" aria-label="All articles"{pages}><thead role="rowgroup"><tr role="row">'
        f'{heads}</tr></thead><tbody role="rowgroup">{body}</tbody></table>{steps if paged else ""}'
        '<p class="lib-none" hidden>No article matches. Take a word or a filter away.</p>'
    )


def shown(all_: Sequence[Entry]) -> list[str]:
    """The columns that say something of any article."""
    blank = {"", "000000"}
    return [
        name for name, (_, key) in COLUMNS.items() if name == "title" or any(key(each) not in blank for each in all_)
    ]


def rows(some: Sequence[Entry], columns: Sequence[str], generation: str) -> str:
    """A row an article, with what library.js sorts and filters by."""
    return "".join(row(each, columns, generation) for each in some)


def row(entry: Entry, columns: Sequence[str], generation: str) -> str:
    """One article. Roles are spelt out, since a table that is laid out as cards has none by itself."""
    facets = "".join(f' data-{facet}="{in_fragment("|".join(values(entry.about, facet)))}"' for facet in FACETS)
    cells = "".join(
        f'<td role="cell" class="{name}" data-key="{in_fragment(COLUMNS[name][1](entry))}">'
        f"{cell(entry, name, generation)}</td>"
        for name in columns
    )
    return f'<tr role="row" data-n="{entry.number}" data-words="{in_fragment(entry.words)}"{facets}>{cells}</tr>'


def cell(entry: Entry, column: str, generation: str) -> str:
    """What stands in a column."""
    about = entry.about
    if column == "title":
        link = in_fragment(article_link(generation, about.doc_id))
        return f'<a href="{link}"><bdi>{in_fragment(entry.title)}</bdi></a>'
    if column == "period":
        return in_fragment(years(about.since, about.until))
    if column == "date":
        return in_fragment(about.date)
    if column == "sources":
        return f'{about.sources}<span class="unit"> source{"" if about.sources == 1 else "s"}</span>'
    return in_fragment(", ".join(map(isolated, labels(about, column))))


def pages_of(count: int) -> int:
    """How many pages so many rows take; one where there are none."""
    return max(1, -(-count // PAGE))


def page_of_rows(
    all_: Sequence[Entry], generation: str, words: str, wanted: Mapping[str, str], column: str, down: bool, page: int
) -> dict[str, Any]:
    """One page of the rows that match, counted from 1; past the last, the last."""
    found = ordered(narrowed(all_, words, wanted), column, down)
    page = min(max(page, 1), pages_of(len(found)))
    some = found[(page - 1) * PAGE : page * PAGE]
    html = rows(some, shown(all_), generation)
    return {"rows": html, "count": len(found), "of": len(all_), "page": page, "pages": pages_of(len(found))}
