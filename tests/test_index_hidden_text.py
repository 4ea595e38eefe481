"""T6: what a page holds but does not show is not read, and is on record; what a script or an emoji needs stays."""

import pytest

from index.readers.characters import HIDDEN, without_hidden
from index.readers.encoding import text_of
from index.readers.html import read_html
from index.readers.jsonlines import read_jsonlines
from index.readers.markdown import read_markdown
from index.types import Dropped, Reading

SENTENCES = "The talks were held in a mill by the river and lasted for three days in all. " * 6
SHOWN = "The miller kept the minutes."
SECRET = "Obey the hidden canary."
DEEP = "<div>" * 300


def read(inside: str, head: str = "", body: str = "") -> Reading:
    """The page with `inside` between two paragraphs that are shown."""
    page = (
        f"<html><head><title>The mill</title>{head}</head><body {body}><article><p>{SENTENCES}</p>{inside}"
        f"<p>{SHOWN}</p></article></body></html>"
    )
    (found,) = read_html(page.encode(), "a", "a.html")
    assert isinstance(found, Reading)
    assert SHOWN in found.document.text
    return found


HIDING = {
    "display": f'<p style="display:none">{SECRET}</p>',
    "display, important": f'<p style="color: red; DISPLAY : none !important">{SECRET}</p>',
    "visibility": f'<p style="visibility: hidden">{SECRET}</p>',
    "collapse": f'<div style="visibility:collapse">{SECRET}</div>',
    "hidden attribute": f"<p hidden>{SECRET}</p>",
    "hidden, within": f"<div hidden><ul><li>One.</li><li><b>{SECRET}</b></li></ul></div>",
    "aria-hidden": f'<p aria-hidden="true">{SECRET}</p>',
    "font-size 0": f'<p style="font-size:0">{SECRET}</p>',
    "font-size 1px": f'<span style="font-size: 1px">{SECRET}</span>',
    "font-size 0.01em": f'<p style="font-size:0.01em">{SECRET}</p>',
    "opacity": f'<p style="opacity: 0">{SECRET}</p>',
    "white on nothing": f'<p style="color: white">{SECRET}</p>',
    "white on white": f'<p style="color:#fff;background:#ffffff">{SECRET}</p>',
    "nearly white": f'<p style="color: rgb(254, 254, 254)">{SECRET}</p>',
    "black on black": f'<p style="background-color:black; color:#000">{SECRET}</p>',
    "white on an outer white": f'<div style="background:#fff"><p style="color:#FFF">{SECRET}</p></div>',
    "font element": f'<p><font color="#FFFFFF">{SECRET}</font></p>',
    "transparent": f'<p style="color: rgba(0,0,0,0)">{SECRET}</p>',
    "off the page": f'<p style="position:absolute; left:-9999px">{SECRET}</p>',
    "indented away": f'<p style="text-indent:-200em">{SECRET}</p>',
    "no height": f'<div style="height:0; overflow:hidden">{SECRET}</div>',
    "clipped": f'<p style="position:absolute;clip:rect(0 0 0 0)">{SECRET}</p>',
    "clipped away": f'<p style="clip-path: inset(50%)">{SECRET}</p>',
    "scaled": f'<p style="transform:scale(0)">{SECRET}</p>',
    "comment": f"<!-- {SECRET} -->",
    "comment in a paragraph": f"<p>They met.<!--{SECRET}--> They parted.</p>",
    "comment without an end": "",
    "template": f"<template><p>{SECRET}</p></template>",
    "noscript": f"<noscript>{SECRET}</noscript>",
    "dialog": f"<dialog>{SECRET}</dialog>",
    "class": f'<p class="a note">{SECRET}</p>',
    "id": f'<p id="Note">{SECRET}</p>',
    "tag and class": f'<em class="small">{SECRET}</em>',
}
CSS = """<style>/* p { display: none } */ .note, #note { display: none } em.small{font-size:0}
@media print { p { display: none } } @media screen { .other { visibility: hidden } } p > b { display: none }</style>"""


@pytest.mark.parametrize("before", ["", DEEP], ids=["tree", "deep"])
@pytest.mark.parametrize("name", HIDING)
def test_t6_hidden_text_is_not_read(name: str, before: str) -> None:
    """Thirty-three ways to hide a sentence, on a page read as a tree and on one that is nested too deep for it."""
    inside = HIDING[name]
    if name == "comment without an end":
        page = f"<html><body><article><p>{SENTENCES}</p>{before}<p>{SHOWN}</p><!-- {SECRET}</body>"
        (found,) = read_html(page.encode(), "a", "a.html")
        assert isinstance(found, Reading)
    else:
        found = read(before + inside, head=CSS)
    assert "canary" not in found.document.text
    assert "canary" not in found.document.title
    assert any("canary" in each.text for each in found.dropped), "on record"


@pytest.mark.parametrize(
    "inside",
    [
        f'<p style="color:white; background:#003366">{SECRET}</p>',
        f'<div style="background:#222"><p style="color:white">{SECRET}</p></div>',
        f'<div style="background:url(night.png)"><p style="color:#fff">{SECRET}</p></div>',
        f'<p style="font-size:10px; opacity:0.9; left:-3px">{SECRET}</p>',
        f'<div style="font-size:0"><p style="font-size:16px">{SECRET}</p></div>',
        f'<p aria-hidden="false" class="b">{SECRET}</p>',
        f'<p hidden="until-found">{SECRET}</p>',
        f'<p style="">{SECRET}</p>',
        f'<p style="height:0">{SECRET}</p>',
        f'<p style="display:block;nonsense;:;color:">{SECRET}</p>',
    ],
)
def test_t6_what_is_shown_stays(inside: str) -> None:
    assert SECRET in read(inside, head=CSS).document.text


def test_t6_a_page_hidden_until_its_script_has_run_is_read() -> None:
    assert read("", body='style="display:none"').dropped == ()
    dark = read(f'<p style="color:#fff">{SECRET}</p>', body='bgcolor="#000000"')
    assert SECRET in dark.document.text
    assert dark.dropped == ()


def test_t6_what_was_hidden_and_how_is_on_record() -> None:
    found = read(f'<p style="display:none">{SECRET}<b> Twice.</b></p><p hidden> </p><!--[if IE]>old<![endif]-->')
    assert found.dropped == (Dropped("hidden (display:none)", f"{SECRET} Twice."),)
    long = read(f"<p hidden>{'word ' * 1000}</p>")
    assert long.dropped[0].text == "word " * 400 + " …"


@pytest.mark.parametrize(
    ("marked", "text", "reason"),
    [
        (f'They <span style="display:none">{SECRET}</span>met.', "They met.", "hidden (display:none)"),
        (f"They <b hidden>*{SECRET}*</b>met.", "They met.", "hidden (hidden attribute)"),
        (f"They met.<!-- {SECRET} -->", "They met.", "comment"),
        (f'They met. <font color="white">{SECRET}', "They met.", "hidden (color:white on its own colour)"),
        (f'They met.\n\n<p style="opacity:0">{SECRET}</p>\n', "They met.", "raw HTML"),
    ],
)
def test_t6_markup_in_markdown_hides_nothing(marked: str, text: str, reason: str) -> None:
    (found,) = read_markdown(marked.encode(), "a", "a.md")
    assert found.document.text == text
    assert [each.reason for each in found.dropped] == [reason]
    assert "canary" in found.dropped[0].text


def test_t6_markup_in_markdown_that_shows_stays() -> None:
    (found,) = read_markdown(b"They <b class='x'>met</b> in <i>June</i><br>1971 < 1972.", "a", "a.md")
    assert (found.document.text, found.dropped) == ("They met in June 1971 < 1972.", ())


TAGS = "".join(chr(0xE0000 + ord(char)) for char in "Obey the canary.")
CHARACTERS = {
    "zero-width space": "se\u200bcret",
    "word joiner": "se\u2060cret",
    "zero-width non-joiner": "se\u200ccret",
    "zero-width joiner": "se\u200dcret",
    "byte order mark": "se\ufeffcret",
    "soft hyphen": "se\u00adcret",
    "right-to-left override": "se\u202ecret\u202c",
    "left-to-right override": "\u202dsecret\u202c",
    "embedding and isolate": "\u202asecret\u202c\u2068\u2069",
    "direction marks": "se\u200ecret\u200f",
    "tags": f"secret{TAGS}",
    "tags after a flag that is none": f"\U0001f3f4{TAGS}secret",
    "variation selectors": "s\ufe01e\ufe02c\ufe03ret\U000e0101\U000e0102",
    "selectors on an emoji": "\u2764\ufe0f\ufe01\ufe02secret",
    "Hangul filler": "se\u3164cret",
    "invisible operators": "se\u2061cr\u2063et",
    "private use": "se\ue000cr\U000f0001et",
    "noncharacters": "se\ufdd0cr\U0001fffeet",
    "annotation": "se\ufff9cr\ufffbet",
    "grapheme joiner": "se\u034fcret",
}


@pytest.mark.parametrize("name", CHARACTERS)
def test_t6_hidden_characters_go(name: str) -> None:
    """The same from a file's own characters, from references in HTML and Markdown, and from escapes in JSON."""
    hidden = CHARACTERS[name]
    plain = hidden.encode("ascii", "ignore").decode()
    shown = hidden[0] if hidden[0] in "\U0001f3f4\u2764" else ""
    text = f"{shown}\ufe0f{plain}" if shown == "\u2764" else shown + plain
    assert plain == "secret"
    references = "".join(char if char.isascii() else f"&#{ord(char)};" for char in hidden)
    for given in (hidden, references):
        (page,) = read_html(f"<html><body><article><p>{SENTENCES} {given}</p></article></body>".encode(), "a", "a")
        (marked,) = read_markdown(f"A {given}.".encode(), "a", "a")
        assert isinstance(page, Reading)
        assert page.document.text == f"{SENTENCES}{text}"
        assert marked.document.text == f"A {text}."
        assert any(each.reason == HIDDEN for each in page.dropped), "on record"
        assert any(each.reason == HIDDEN for each in marked.dropped), "on record"
    if name != "soft hyphen":
        escaped = hidden.encode("ascii", "backslashreplace").decode() if "\\U" not in ascii(hidden) else hidden
        line = f'{{"_id": "a", "text": "{escaped}"}}'
        (found,) = read_jsonlines(line.encode(), "a", "a.jsonl")
        assert isinstance(found, Reading)
        assert found.document.text == text


def test_t6_what_tags_say_is_on_record() -> None:
    _, dropped = without_hidden(f"One\u200b two\u200b three.{TAGS}\u00ad")
    assert dropped[0].reason == HIDDEN
    assert dropped[0].text.startswith("1 × U+00AD SOFT HYPHEN, 2 × U+200B ZERO WIDTH SPACE, ")
    assert dropped[1] == Dropped("written in tag characters", "Obey the canary.")


UNCHANGED = {
    "Persian": "دو هیئت در مهمان‌خانه‌ای دیدار کردند و وزارتخانه‌ها نمی‌دانستند.",
    "Arabic with marks": "اجتمع الوفدان (C++\u200f) في الميناء\u061c.",
    "Hebrew": "שתי המשלחות נפגשו (IBM\u200f) בנמל.",
    "Hindi": "क्‍ष और क्‌ष दोनों सराय में मिले, श्‍री ने कहा।",
    "Sinhala": "ශ්‍රී ලංකා ප්‍රතිනිධි",
    "Malayalam": "അവന്‍ പറഞ്ഞു",
    "Khmer": "អ្នក​".rstrip("\u200b"),
    "family": "👨‍👩‍👧‍👦 met 👩🏽‍⚕️ and 🏳️‍🌈.",
    "flag of a region": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f won.",
    "keycap and heart": "1️⃣ ❤️ ☎︎",
    "ideograph": "葛\U000e0100城市",
    "accents": "Zürich, naïve, Ñandú, e\u0301, Đà Nẵng",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180b",
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_t6_what_a_script_needs_stays(name: str) -> None:
    text = UNCHANGED[name]
    assert without_hidden(text) == (text, ())
    assert text_of(text.encode(), markup=True) == (text, ())
    assert read(f"<p>{text}</p>").document.text.split("\n\n")[1] == text


def test_f31_hidden_characters_inside_a_word_make_no_other_word() -> None:
    """Fifty words with a soft hyphen or a zero-width space in them are the words themselves."""
    words = [f"back{char}channel{number}" for char in "\u00ad\u200b\u2060\ufeff\u200d" for number in range(10)]
    assert [without_hidden(word)[0] for word in words] == 5 * [f"backchannel{number}" for number in range(10)]


def test_t16_a_long_text_is_searched_in_linear_time() -> None:
    import time

    started = time.process_time()
    without_hidden("\u200b" * 200_000)
    without_hidden("a\u200b" * 100_000)
    without_hidden("\u200d" * 100_000 + "ب" * 100_000)
    assert time.process_time() - started < 3
