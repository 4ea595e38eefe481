"""What a search found, as Markdown that shows its text verbatim; and the sentences where there is nothing to show."""

from collections.abc import Iterable

from assistant.excerpts import Piece
from assistant.finding import LISTED, Finding, FoundPassage, in_order
from assistant.page.escaping import in_markdown, safe_markdown
from assistant.page.labels import plural, years
from assistant.page.links import article_link, citation_link, question_link
from index.errors import BackchannelError

__all__ = ["HINT", "counted", "hint", "listed", "notice", "nothing", "refusal"]

REASONS = {
    "words": ("words", "It has words of your search, in one of their forms"),
    "meaning": ("meaning", "It speaks of the same in other words"),
    "both": ("meaning and words", "It has words of your search and speaks of the same"),
}
HINT = """<div class="hint"><p>Type a few words or a whole question. Passages of the articles are found by their words,
in any of their forms, and by what they mean; each says by which.</p></div>"""
HELP = (
    "Each passage says why it was found: by words of your search, which are marked, by its meaning, or by both. "
    "It opens in its article."
)


def hint() -> str:
    """The place of what is found, before there is anything."""
    return safe_markdown(HINT)


def listed(finding: Finding, order: str, shown: int) -> str:
    """The first `shown` of the best passages in an order, under what was searched for."""
    best = in_order(finding.found[:LISTED], order)
    items = "".join(item(finding, each) for each in best[:shown])
    return safe_markdown(
        f'<div class="searched">{respelt(finding)}<p class="quiet">{in_markdown(HELP)} {ask(finding)}</p>'
        f'<ol class="passages">{items}</ol>{end(finding, shown)}</div>'
    )


def respelt(finding: Finding) -> str:
    """That other words were searched for than were typed."""
    if finding.searched == finding.typed:
        return ""
    return f'<p class="respelt">Searched for: <q>{in_markdown(finding.searched)}</q></p>'


def ask(finding: Finding) -> str:
    """The way to an answer."""
    return f'<a class="to-ask" href="{question_link(finding.searched)}">Ask this as a question</a>'


def end(finding: Finding, shown: int) -> str:
    """What the list ends with, once all of it is shown."""
    if len(finding.found) <= LISTED or shown < LISTED:
        return ""
    said = f"These are the {LISTED} best of {len(finding.found)} passages. Filters, or more words, find others."
    return f'<p class="quiet">{in_markdown(said)}</p>'


def item(finding: Finding, each: FoundPassage) -> str:
    """One passage: its article, its heading and years, its words, and why it was found."""
    passage, generation = each.passage, finding.generation
    title = pieces(finding.marked(passage.title or passage.doc_id))
    heading = pieces(finding.marked(passage.heading)) if passage.heading else ""
    dated = in_markdown(years(each.since, each.until))
    link = citation_link(each.rank, passage.start, passage.end, generation, passage.doc_id)
    reason, meant = REASONS[each.why]
    scores = f"{meant}. Score {each.scored.score:.2f}: meaning {each.scored.dense:.2f}, words {each.scored.lexical:.1f}"
    return (
        f'<li><p class="where"><span class="rank">{each.rank}</span>'
        f'<a class="title" href="{article_link(generation, passage.doc_id)}"><bdi>{title}</bdi></a></p>'
        f'<p class="excerpt"><a href="{link}"><bdi>{pieces(finding.excerpt(each))}</bdi></a></p>'
        f'<p class="about">{part("heading", heading)}{part("years", dated)}'
        f'<span class="why" title="{in_markdown(scores)}">Found by {reason}</span></p></li>'
    )


def part(name: str, markup: str) -> str:
    """A part of the line below a passage, if there is one."""
    return f'<span class="{name}"><bdi>{markup}</bdi></span> ' if markup else ""


def pieces(found: Iterable[Piece]) -> str:
    """Text with the words that were searched for marked. A piece's outer spaces are kept."""
    return "".join(f"<mark>{spaced(each.text)}</mark>" if each.marked else spaced(each.text) for each in found)


def spaced(text: str) -> str:
    """`in_markdown` of a piece that stands between others."""
    before, after = text[:1].isspace(), text.strip() and text[-1:].isspace()
    return f"{' ' if before else ''}{in_markdown(text)}{' ' if after else ''}"


def counted(finding: Finding) -> str:
    """The status line: how much was found."""
    if not finding.found:
        return "Nothing found"
    passages, articles = plural(len(finding.found), "passage"), plural(finding.articles, "article")
    return f"{passages} in {articles}"


def nothing(finding: Finding, unfiltered: Finding | None) -> str:
    """That nothing was found; where it is for the filters, what there is without them."""
    if unfiltered is not None and unfiltered.found:
        said = "No passage has these words or speaks of this with these filters."
        offer = f'<a class="unfilter" href="#/search">Take the filters off: {in_markdown(counted(unfiltered))}</a>'
    else:
        said = "No passage has these words or speaks of this."
        offer = 'Try other words, or fewer, or look through <a href="#/library">the library</a>.'
    return safe_markdown(
        f'<div class="searched">{respelt(finding)}<p class="none">{said}</p><p class="next">{offer}</p></div>'
    )


def refusal(error: BackchannelError) -> str:
    """Why this cannot be searched for."""
    return notice(f"{str(error).rstrip('.')}.")


def notice(text: str) -> str:
    """One sentence in place of results."""
    return safe_markdown(f'<div class="said"><p class="none">{in_markdown(text)}</p></div>')
