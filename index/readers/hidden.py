"""What a page holds but does not show: the elements that its attributes, styles and style sheet hide, and how.

A page that paints by a script or a style sheet of its own file cannot be judged: what it may hide is read.
"""

import re
from collections.abc import Iterator, Mapping

from index.types import Dropped

__all__ = ["PAPER", "Colour", "Sheet", "background_of", "styles", "unseen", "why_hidden"]

LONGEST = 2000  # characters of one hidden text that are kept in the record
NEVER_SHOWN = frozenset({"template", "noscript", "datalist"})
WHOLE = frozenset({"html", "body"})  # hidden until a script has run; the page would be empty
NOT_SHOWN = (
    ("display", "none"),
    ("visibility", "hidden"),
    ("visibility", "collapse"),
    ("content-visibility", "hidden"),
)
OFF = -900  # pixels; text that lies so far outside is seen by nobody
SMALLEST = {"": 0.0, "px": 1.0, "pt": 1.0, "em": 0.07, "rem": 0.07, "ex": 0.1, "%": 7.0, "vw": 0.1, "vh": 0.1}
LENGTH = re.compile(r"(-?\d*\.?\d+)([a-z%]*)")
HEX = re.compile(r"#([0-9a-f]{3,8})\b")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(?:[,/]\s*(\d*\.?\d+)%?)?\s*\)")
NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
PAPER = (255, 255, 255)
NEAR = 20  # of 255; closer colours cannot be told apart
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
SELECTOR = re.compile(r"([a-z][a-z0-9]*)?([.#][\w-]+)?")
SCREEN = re.compile(r"@media\s+(all|screen)\s*")

Colour = tuple[int, int, int]
Styles = dict[str, str]


class Sheet:
    """The rules of a page's style sheets for one class, one id or one kind of element; others are not read."""

    def __init__(self, css: str) -> None:
        self.rules: dict[str, Styles] = {}
        for selectors, body in rules(COMMENT.sub("", css.lower())):
            for selector in selectors.split(","):
                if (found := SELECTOR.fullmatch(selector.strip())) and found[0]:
                    self.rules.setdefault(found[0], {}).update(declarations(body))

    def of(self, tag: str, attributes: Mapping[str, str]) -> Styles:
        """What the rules say of an element."""
        if not self.rules:
            return {}
        marks = [f".{name}" for name in attributes.get("class", "").lower().split()]
        marks += [f"#{attributes['id'].lower()}"] if attributes.get("id") else []
        found: Styles = {}
        for name in [tag, *marks, *(tag + mark for mark in marks)]:
            found |= self.rules.get(name, {})
        return found


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Selectors and body of each rule that holds on every screen."""
    start = depth = 0
    inside = ""  # the selectors of the rule whose body begins at `start`
    for brace in re.finditer(r"[{}]", css):
        before = css[start : brace.start()].strip()
        if depth:  # within a block that holds on some screens only
            depth += 1 if brace[0] == "{" else -1
        elif brace[0] == "}":
            if inside:
                yield inside, before
            inside = ""
        elif before.startswith("@"):
            depth = 0 if SCREEN.fullmatch(before) else 1
        else:
            inside = before
        start = brace.end()


def declarations(style: str) -> Styles:
    """`color: red; top: 0` as names and values."""
    pairs = (part.partition(":") for part in style.lower().replace("!important", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def styles(tag: str, attributes: Mapping[str, str], sheet: Sheet) -> Styles:
    """All that is known of how an element looks: its own style over the sheet's over old attributes."""
    known = {"color": attributes.get("color", ""), "background": attributes.get("bgcolor", "")}
    old = {name: value.lower() for name, value in known.items() if value}
    return old | sheet.of(tag, attributes) | declarations(attributes.get("style", ""))


def why_hidden(tag: str, attributes: Mapping[str, str], looks: Styles, paper: Colour | None = PAPER) -> str:
    """How the element is hidden, or ""; `paper` is the colour behind it, None where that cannot be known."""
    if tag in WHOLE:
        return ""
    if tag in NEVER_SHOWN or (tag == "dialog" and "open" not in attributes):
        return tag
    if attributes.get("hidden", "until-found").lower() != "until-found":
        return "hidden attribute"
    if attributes.get("aria-hidden", "").strip().lower() == "true":
        return "aria-hidden"
    return by_style(looks, paper) if looks else ""


def by_style(looks: Styles, paper: Colour | None) -> str:
    """How an element's styles hide it, or ""."""
    for name, value in NOT_SHOWN:
        if looks.get(name) == value:
            return f"{name}:{looks[name]}"
    if nothing(looks.get("font-size", "1em")):
        return f"font-size:{looks['font-size']}"
    if (faint := LENGTH.match(looks.get("opacity", "1"))) and float(faint[1]) <= 0.02:
        return "opacity:0"
    if looks.get("overflow", "").startswith(("hidden", "clip")):
        for name in ("height", "width", "max-height", "max-width"):
            if nothing(looks.get(name, "auto")):
                return f"{name}:{looks[name]}"
    outside = ("text-indent", *(("left", "top", "right", "bottom") if "position" in looks else ()))
    for name in (*outside, "margin-left", "margin-top"):
        if (length := LENGTH.match(looks.get(name, ""))) and far(float(length[1]), length[2]):
            return f"{name}:{looks[name]}"
    if re.match(r"rect\(\s*[01](px)?[\s,]+[01](px)?[\s,]+[01](px)?", looks.get("clip", "")):
        return "clip"
    if re.match(r"inset\(\s*(50|100)%|circle\(\s*0", looks.get("clip-path", "")):
        return "clip-path"
    if re.match(r"scale\(\s*0\s*[,)]", looks.get("transform", "")):
        return "transform:scale(0)"
    return by_colour(looks, paper)


def by_colour(looks: Styles, paper: Colour | None) -> str:
    """Whether the text has the colour of what lies behind it, or none."""
    value = looks.get("color", "")
    clear = re.fullmatch(r"#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)", value)
    if clear or value == "transparent" or ((found := RGB.match(value)) and found[4] and float(found[4]) == 0):
        return "color:transparent"
    behind = background_of(looks, paper)
    ink = colour(value)
    if ink and behind and all(abs(one - other) <= NEAR for one, other in zip(ink, behind, strict=True)):
        return f"color:{value} on its own colour"
    return ""


def background_of(looks: Styles, paper: Colour | None) -> Colour | None:
    """The colour behind an element's text; None where a picture or a gradient is."""
    value = looks.get("background-color") or looks.get("background") or ""
    if not value or value in ("none", "transparent", "inherit", "initial"):
        return paper
    return colour(value)


def colour(value: str) -> Colour | None:
    """`#fff`, `rgb(255, 255, 255)` or `white` as numbers from 0 to 255; None for what is not known here."""
    if found := RGB.search(value):
        return int(found[1]), int(found[2]), int(found[3])
    if found := HEX.search(value):
        digits = found[1] if len(found[1]) > 4 else "".join(2 * digit for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6] or "0", 16)
    return next((NAMED[word] for word in value.split() if word in NAMED), None)


def nothing(value: str) -> bool:
    """Whether a length is too small to be seen."""
    if not (found := LENGTH.match(value)):
        return False
    return 0 <= float(found[1]) <= SMALLEST.get(found[2], -1.0)


def far(number: float, unit: str) -> bool:
    """Whether a place lies far outside the page."""
    return number * {"em": 16, "rem": 16, "%": 9, "vw": 9, "vh": 9, "in": 96, "cm": 38}.get(unit, 1) <= OFF


def unseen(reason: str, text: str) -> Iterator[Dropped]:
    """The record of one text left out; none where it has no words."""
    if words := " ".join(text.split()):
        yield Dropped(reason, words if len(words) <= LONGEST else f"{words[:LONGEST]} …")
