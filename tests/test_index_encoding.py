"""F29: sixty files in ten languages, written in fifteen ways; what is guessed is read, and said to be a guess."""

from pathlib import Path

import pytest

from index.errors import ReadingError
from index.readers import scan
from index.readers.encoding import decode, text_of
from index.readers.guessing import DOUBTFUL
from index.types import Dropped, Reading

TEXTS = {
    "english": "The two delegations met in a café above the harbour — nobody had told the ministries. “We will say "
    "nothing until the spring,” the elder envoy said, and the others agreed. They paid £40 for the room.",
    "french": "Les deux délégations se sont retrouvées dans un café au-dessus du port, à l’insu des ministères. « Nous "
    "ne dirons rien avant le printemps », déclara l’émissaire le plus âgé, et les autres l’approuvèrent.",
    "german": "Die beiden Delegationen trafen sich über dem Hafen in einem Gasthaus, ohne dass die Ministerien davon "
    "wussten. „Bis zum Frühling sagen wir nichts“, erklärte der ältere Gesandte auf der Straße.",
    "spanish": "Las dos delegaciones se reunieron en una posada sobre el puerto, sin que lo supieran los ministerios. "
    "«No diremos nada hasta la primavera», señaló el enviado de más edad. ¿Quién podía oponerse?",
    "portuguese": "As duas delegações encontraram-se numa estalagem sobre o porto, sem que os ministérios o soubessem. "
    "Não diremos nada até à primavera, afirmou o enviado mais velho, e os outros concordaram.",
    "russian": "Обе делегации встретились в гостинице над гаванью, и министерства об этом ничего не знали. «До весны "
    "мы будем молчать», — сказал старший посланник, и остальные согласились.",
    "ukrainian": "Обидві делегації зустрілися в готелі над гаванню, і міністерства про це нічого не знали. «До весни "
    "ми мовчатимемо», — сказав старший посланець, і решта погодилася.",
    "japanese": "二つの代表団は港の上の宿で会い、どの省庁もそのことを知らなかった。「春まで何も"
    "言わない」と年長の使者が述べ、ほかの者も同意した。夜になると、それぞれ別の道を通って家に帰った。",
    "simplified": "两个代表团在港口上方的旅馆会面，各部都不知道这件事。年长的使者说：“春天以前"
    "我们什么都不说。”其他人都同意了。晚上他们各自从不同的路回家，没有人看见他们。",
    "traditional": "兩個代表團在港口上方的旅館會面，各部都不知道這件事。年長的使者說：「春天以前我們什麼都不說。」"
    "其他人都同意了。晚上他們各自從不同的路回家，沒有人看見他們。",
}
MARK = "\ufeff"
WAYS = {  # how a text is written -> the languages of the files
    "utf-8": list(TEXTS),
    "utf-8-sig": ["english", "russian", "japanese"],
    "utf-16": ["french", "ukrainian", "simplified"],
    "utf-16-be with a mark": ["german", "russian", "traditional"],
    "utf-16-le": ["english", "russian", "japanese", "simplified"],
    "utf-16-be": ["spanish", "ukrainian", "japanese", "traditional"],
    "utf-32": ["french", "japanese"],
    "utf-32-be with a mark": ["german", "simplified"],
    "utf-32-le": ["english", "russian"],
    "utf-32-be": ["portuguese", "traditional"],
    "cp1252": ["english", "french", "german", "spanish", "portuguese"],
    "cp1251": ["russian", "ukrainian"],
    "shift_jis": ["japanese"],
    "gb18030": ["simplified"],
    "big5": ["traditional"],
}
PAGES = [  # language, encoding, what the page's meta element says
    ("russian", "cp1251", "windows-1252"),
    ("japanese", "shift_jis", "utf-8"),
    ("japanese", "shift_jis", "iso-8859-1"),
    ("french", "utf-8", "shift_jis"),
    ("ukrainian", "utf-8", "iso-8859-1"),
    ("simplified", "gb18030", "big5"),
    ("traditional", "big5", "gb2312"),
    ("german", "cp1252", "utf-7"),
    ("simplified", "gb18030", "no-such-encoding"),
    ("portuguese", "cp1252", "windows-1252"),
    ("ukrainian", "cp1251", "windows-1251"),
    ("japanese", "shift_jis", "shift_jis"),
]
MIXED = [("russian", "cp1251"), ("french", "cp1252"), ("japanese", "shift_jis")]  # the second half of a UTF-8 file


def written(text: str, way: str) -> bytes:
    """The text's bytes; `with a mark`: a byte order mark before them."""
    name, _, marked = way.partition(" ")
    return (MARK * bool(marked) + text).encode(name)


def files() -> list[tuple[str, bytes, str]]:
    """Name, bytes and the text that is in it, of sixty files."""
    made = []
    for way, languages in WAYS.items():
        for name in languages:
            made.append((f"{name} {way}.md", written(f"# A title\n\n{TEXTS[name]}\n", way), TEXTS[name]))
    for name, way, meta in PAGES:
        page = (
            f'<html><head><meta charset="{meta}"><title>T</title></head><body><article><p>{TEXTS[name]}</p></article>'
        )
        made.append((f"{name} {way} as {meta}.html", (page + "</body></html>").encode(way), TEXTS[name]))
    for name, way in MIXED:
        data = f"# A title\n\n{TEXTS[name]}\n\n".encode() + TEXTS[name].encode(way)
        made.append((f"{name} utf-8 and {way}.md", data, f"{TEXTS[name]}\n\n{TEXTS[name]}"))
    return made


def doubts(reading: Reading) -> list[str]:
    """What is said of a file's encoding."""
    return [each.text for each in reading.dropped if each.reason == DOUBTFUL]


def test_f29_sixty_files_are_read_right(tmp_path: Path) -> None:
    made = files()
    assert len(made) == 60
    for name, data, _ in made:
        (tmp_path / name).write_bytes(data)
    found = scan([tmp_path])
    assert found.skipped == ()
    readings = {Path(reading.document.source).name: reading for reading in found.readings}
    wrong = [name for name, _, text in made if readings[name].document.text != text]
    assert wrong == [], "of the sixty at least 58 must be right"
    for way, languages in WAYS.items():
        assert all(bool(doubts(readings[f"{name} {way}.md"])) != way.startswith("utf") for name in languages)
    assert all(doubts(readings[f"{name} utf-8 and {way}.md"]) for name, way in MIXED)
    for name, way, meta in PAGES:
        guessed = way != "utf-8" and meta not in (way, way.replace("cp", "windows-"))
        assert bool(doubts(readings[f"{name} {way} as {meta}.html"])) == guessed


@pytest.mark.parametrize("part", [1, 2, 4])
def test_f29_a_guess_is_reported(part: int) -> None:
    """Whole texts, their halves and quarters: 60 characters tell the five encodings apart."""
    for way, name in (("cp1252", "french"), ("cp1251", "russian"), ("shift_jis", "japanese"), ("big5", "traditional")):
        text = TEXTS[name][: len(TEXTS[name]) // part]
        found, said = text_of(f"# A title\n\n{text}".encode(way))
        assert found.endswith(text)
        assert [each.reason for each in said] == [DOUBTFUL]
        assert said[0].text.startswith("read as ")


def test_f29_mojibake_is_reported() -> None:
    """What was read wrongly before it came here cannot be mended with certainty, but it can be said."""
    twice = TEXTS["french"].encode().decode("cp1252", "replace")
    assert text_of(twice.encode())[1][-1].reason == DOUBTFUL
    assert "encoded twice" in text_of(TEXTS["russian"].encode().decode("latin-1").encode())[1][0].text
    assert text_of("It was lost \ufffd here.".encode())[1] == (
        Dropped(DOUBTFUL, "1 characters were lost before it was saved as UTF-8"),
    )
    text, said = text_of(TEXTS["japanese"].encode()[:-1])
    assert (text[:-1], text[-1]) == (TEXTS["japanese"][:-1], "\ufffd")
    assert said == (Dropped(DOUBTFUL, "read as utf-8; 1 characters are lost"),)
    polish = "Obie delegacje spotkały się w gospodzie."
    wrong, said = text_of(polish.encode("cp1250"))
    assert wrong != polish
    assert said == (Dropped(DOUBTFUL, "read as cp1252"),)


@pytest.mark.parametrize("text", [*TEXTS.values(), "naïve café São João MANHÃ. Ñandú: «Ð»", "Æ Ð Þ: Ðe"])
def test_f29_a_sound_text_is_not_doubted(text: str) -> None:
    assert text_of(text.encode()) == (text, ())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"x\0y", "it is not text (it holds NUL bytes)"),
        (b"Words and a NUL\0 among them, an even number.", "it is not text (it holds NUL bytes)"),
        (bytes(range(256)), "it is not text (it holds NUL bytes)"),
        (bytes(range(1, 256)) * 9, "it is not text (234 of its 2,295 bytes are control characters)"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "it is not text (it is a PDF)"),
        (b"{\\rtf1\\ansi Words.}", "it is not text (it is RTF)"),
        (b"\xff\xd8\xff\xe0\x10JFIF\x01\x01\x01\x02", "it is not text (5 of its 13 bytes are control characters)"),
        (b"\x80\xff\x80\xff\x80", "it is in no encoding that is known here; save it as UTF-8"),
        (b"\xff\xfe\x00", "it is not UTF-16 text (byte 0x00 at 2); save it as UTF-8"),
    ],
)
def test_f23_what_is_no_text_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ReadingError) as found:
        text_of(data)
    assert str(found.value) == said


def test_f24_random_bytes_are_never_read_as_text() -> None:
    import random

    draw = random.Random(29)
    for size in (100, 1000, 10_000):
        for _ in range(50):
            with pytest.raises(ReadingError):
                text_of(draw.randbytes(size))


def test_our_own_files_are_not_guessed_at() -> None:
    """The linter and the vocabulary say what to save anew; nothing is guessed for them."""
    with pytest.raises(ReadingError, match=r"it is not UTF-8 text \(byte 0xe9 at 3\); save it as UTF-8"):
        decode("café".encode("latin-1"))
    assert decode("café".encode("utf-32")) == "café"


@pytest.mark.slow
def test_apply_says_how_many_were_guessed(home: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    import app

    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "one.md").write_bytes(f"# One\n\n{TEXTS['russian']}\n".encode("cp1251"))
    (folder / "two.md").write_text(f"# Two\n\n{TEXTS['english']}\n", encoding="utf-8")
    done = CliRunner().invoke(app.app, ["index", "apply", str(folder), "--home", str(home)])
    assert done.exit_code == 0
    first = f"Read in a doubtful encoding: 1. See how with: python app.py index inspect {folder}/one.md"
    assert done.stdout.splitlines()[0] == first
