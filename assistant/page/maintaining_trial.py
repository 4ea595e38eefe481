"""A retrieval test as the maintainer's view shows it: two rankings side by side, and how to adopt the trial."""

import os
from collections.abc import Mapping

from assistant.page.escaping import in_markdown, safe_markdown
from assistant.page.links import citation_link
from assistant.page.tables import notice
from assistant.page.trying import DEEP, KNOBS, Ranking, Trial
from assistant.settings import AssistantSettings
from assistant.shortening import shortened
from index.settings import TOML
from index.types import ScoredPassage

__all__ = ["trial_shown"]

EXCERPT = 120  # characters of a passage's text


def trial_shown(trial: Trial) -> str:
    """Both rankings with settings, times and verdicts, and below them what the trial would take."""
    left = ranking("Live", trial, trial.live, compared=False)
    right = ranking("Trial", trial, trial.trial, compared=True)
    return safe_markdown(f'<div class="trial"><div class="rankings">{left}{right}</div>{adopting(trial)}</div>')


def ranking(name: str, trial: Trial, found: Ranking, compared: bool) -> str:
    """One ranking under its name; in the `compared` one each passage says how it has moved."""
    changed = trial.changed if compared else {}
    values = (
        f"<strong>{in_markdown(one(name, found.settings))}</strong>"
        if name in changed
        else in_markdown(one(name, found.settings))
        for name in KNOBS
    )
    about = f"{found.ms:.1f} ms to search. {verdict(found)}"
    rows = "".join(place(number, each, trial, compared) for number, each in enumerate(found.passages, 1))
    listed = f'<ol class="ranking">{rows}</ol>' if rows else notice("No article passes these filters")
    return (
        f'<div class="side"><h4>{name}</h4><p class="quiet">{", ".join(values)}</p>'
        f'<p class="quiet">{in_markdown(about)}</p>{listed}</div>'
    )


def one(name: str, settings: AssistantSettings) -> str:
    """A setting in words."""
    value = getattr(settings, name)
    return f"{name} {('on' if value else 'off') if isinstance(value, bool) else f'{value:g}'}"


def verdict(found: Ranking) -> str:
    """What would become of the query as a question."""
    outcome = "answered" if found.answer.outcome == "answered" else "not covered"
    return f"As a question: {outcome}, confidence {found.answer.confidence:.2f}"


def place(number: int, each: ScoredPassage, trial: Trial, compared: bool) -> str:
    """A passage at its place, as a link that opens it in its article."""
    passage = each.passage
    link = citation_link(number, passage.start, passage.end, trial.generation, passage.doc_id)
    where = " · ".join(part for part in (passage.title or passage.doc_id, passage.heading) if part)
    excerpt = shortened(" ".join(passage.text.split()), EXCERPT)
    figures = f"score {each.score:.3f}, cosine {each.dense:.3f}, words {each.lexical:.2f}"
    return (
        f'<li><span class="rank">{number}</span>{change(trial, passage.key, number) if compared else ""}'
        f'<a class="found" href="{link}">{in_markdown(where)}</a><span class="excerpt">{in_markdown(excerpt)}</span>'
        f'<span class="figures">{in_markdown(figures)}</span></li>'
    )


def change(trial: Trial, key: int, number: int) -> str:
    """How a passage has moved: `↑2`, `↓1`, `=`, `new`; in words when one points at it."""
    moved = trial.moved(key, number)
    if moved is None:
        sign, style, words = "new", "up", f"not among the first {DEEP} of the live ranking"
    elif moved == 0:
        sign, style, words = "=", "same", "the same place as in the live ranking"
    else:
        sign, style = (f"↑{moved}", "up") if moved > 0 else (f"↓{-moved}", "down")
        words = f"place {number + moved} in the live ranking"
    return f'<span class="change {style}" title="{in_markdown(words)}">{in_markdown(sign)}</span>'


def adopting(trial: Trial) -> str:
    """What to write where, so that the trial's settings are the live ones; and how to measure them first."""
    changed = {name: str(value).lower() for name, value in trial.changed.items()}
    if not changed:
        return '<p class="quiet adopt">The trial has the live settings: change one above.</p>'
    lines = "".join(f"<code>{in_markdown(f'{name} = {value}')}</code>" for name, value in changed.items())
    once = " ".join(f"BACKCHANNEL_{name.upper()}={value}" for name, value in changed.items())
    measured = " ".join(f"--config {name}={value}" for name, value in changed.items())
    return (
        f'<div class="adopt"><h4>To adopt the trial</h4><p>Measure it first, on all gold questions: '
        f"<code>{in_markdown(f'python app.py eval report {measured}')}</code></p>"
        f"<p>Then put into {in_markdown(TOML)}, and start the server again: {lines}</p>"
        f"<p>Or for one run: <code>{in_markdown(f'{once} python app.py')}</code></p>{overruled(changed)}</div>"
    )


def overruled(changed: Mapping[str, str]) -> str:
    """That a variable of this process comes before the file."""
    names = [f"BACKCHANNEL_{name.upper()}" for name in changed]
    set_here = [name for name in names if name in os.environ]
    if not set_here:
        return ""
    return notice(f"{', '.join(set_here)} is set where this server was started, and comes before {TOML}")
