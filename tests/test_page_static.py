"""Our style sheet, script and icons: contrast by WCAG's formula, nothing fetched from elsewhere."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest

from assistant.page.static_files import FOLDER, address, content
from assistant.page.theme import COLOURS

CSS = (FOLDER / "page.css").read_text(encoding="utf-8")
SCRIPT = (FOLDER / "app.js").read_text(encoding="utf-8")


def colours(selector: str) -> dict[str, str]:
    """The custom properties of a theme that are colours."""
    block = CSS[CSS.index(selector) :].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known failing grey


@pytest.mark.parametrize("selector", [":root {", ':root[data-theme="dark"] {'])
def test_text_has_aa_contrast(selector: str) -> None:
    theme = colours(selector)
    for text, ground in product(("ink", "soft", "accent", "accent-deep"), ("paper", "panel", "field")):
        assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    assert contrast(theme["on-accent"], theme["accent"]) >= 4.5
    assert contrast(theme["on-accent"], theme["accent-deep"]) >= 4.5
    assert contrast(theme["marked-ink"], theme["marked"]) >= 4.5
    for ground in ("paper", "field"):
        assert contrast(theme["edge"], theme[ground]) >= 3  # the border of the question box


def test_both_themes_set_the_same_colours() -> None:
    assert colours(":root {").keys() == colours(':root[data-theme="dark"] {').keys()
    assert {value.removeprefix("--") for value in COLOURS.values()} <= colours(":root {").keys()


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "://" not in text, path.name
    assert set(re.findall(r"url\(([^)]*)\)", CSS)) == {'"mark.svg"'}  # beside it, behind any proxy


def test_the_script_makes_no_code_from_text() -> None:
    assert not re.search(r"\beval\b|new Function|document\.write|insertAdjacentHTML|outerHTML", SCRIPT)
    assert SCRIPT.count(".innerHTML =") == 1  # an article, escaped by the server


def test_icons_are_drawings() -> None:
    for name in ("favicon.svg", "mark.svg"):
        drawing = ElementTree.fromstring(content(name) or b"")
        assert drawing.attrib["viewBox"] == "0 0 32 32"
        assert {part.tag.split("}")[1] for part in drawing.iter()} <= {"svg", "style", "rect", "path", "circle"}


def test_addresses_change_with_content() -> None:
    assert re.fullmatch(r"/own/page\.css\?v=[0-9a-f]{12}", address("page.css"))
    assert address("page.css") != address("app.js").replace("app.js", "page.css")
    assert content("../service.py") is None
