"""A thousand files with something broken in each, through `scan` (F24): none may hang it, none may end it.

In full: `PYTHONPATH=. .venv/bin/python tests/torture_readers.py`, some minutes; the tests run a short form.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pdf_bombs import BOMBS, SLOW_BOMBS
from pdf_files import SENTENCES, At, assembled, column, drawn, objects, pdf, stream

from index.readers import READERS, scan
from index.readers.scanning import Reader
from index.types import Reading, Skipped

DATA = Path(__file__).with_name("data")
PDFS = DATA.parent.parent.parent / "shared" / "pdf"
SHARES = {"pdf": 0.3, "html": 0.25, "md": 0.25, "txt": 0.2}
LARGEST = 300_000  # bytes of a sound file


@dataclass(frozen=True, slots=True)
class Tortured:
    """How files ended: `outcomes` counts (suffix, reason); `slowest` in seconds; `lost` are named nowhere."""

    files: int
    outcomes: Counter[tuple[str, str]]
    seconds: float
    slowest: tuple[float, str]
    lost: tuple[str, ...]


def torture_readers(count: int = 1_000, seed: int = 7, reference: Path = PDFS) -> Tortured:
    """Breaks so many files, and reads the folder that holds them and a good one."""
    dice = random.Random(seed)
    sound = seeds(reference)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "good.md").write_text("Good text stands here.\n", encoding="utf-8")
        for suffix, share in SHARES.items():
            for number in range(round(count * share)):
                data = broken(sound[suffix], WAYS[suffix], dice)
                (folder / f"{suffix}{number:04}.{suffix}").write_bytes(data)
        return tortured(folder)


def tortured(folder: Path) -> Tortured:
    """Scans a folder, and times each of its files."""
    took: list[tuple[float, str]] = []
    wrapped = {suffix: timed(reader, took) for suffix, reader in READERS.items()}
    started = time.monotonic()
    with mock.patch.dict(READERS, wrapped):
        found = scan([folder])
    seconds = time.monotonic() - started
    outcomes: Counter[tuple[str, str]] = Counter()
    outcomes.update((Path(each.document.source).suffix, "read") for each in found.readings)
    outcomes.update((Path(each.source).suffix, each.reason) for each in found.skipped)
    named = {Path(each.document.source).name for each in found.readings}
    named |= {Path(each.source).name for each in found.skipped}
    lost = {path.name for path in folder.iterdir()} - named
    return Tortured(len(named), outcomes, seconds, max(took), tuple(sorted(lost)))


def timed(reader: Reader, took: list[tuple[float, str]]) -> Reader:
    """The reader, which notes how long each file took it."""

    def read(data: bytes, doc_id: str, source: str) -> Iterator[Reading | Skipped]:
        started = time.monotonic()
        try:
            yield from reader(data, doc_id, source)
        finally:
            took.append((time.monotonic() - started, Path(source).name))

    return read


def seeds(reference: Path) -> dict[str, list[bytes]]:
    """Sound files of each kind: our samples, PDFs packed and legible, and those beside the repository."""
    page = [At("The weir letters", 760, size=18), *column(*SENTENCES)]
    plain = assembled(
        objects([stream(drawn(page)), stream(drawn(page, picture=True))], {"Title": "Weir"}, picture=True)
    )
    found = {
        suffix: [path.read_bytes() for path in sorted(DATA.glob(f"*.{suffix}")) if path.stat().st_size < LARGEST]
        for suffix in SHARES
    }
    found["pdf"] += [pdf(page, page, info={"Title": "Weir"}), plain, plain, plain]
    found["pdf"] += [path.read_bytes() for path in sorted(reference.glob("*.pdf")) if path.stat().st_size < LARGEST]
    return found


def broken(sound: Sequence[bytes], ways: "Sequence[Way]", dice: random.Random) -> bytes:
    """One of the files with one to four things done to it."""
    data = bytearray(dice.choice(sound))
    for _ in range(dice.randint(1, 4)):
        dice.choice(RARELY if dice.random() < 0.04 else ways)(data, sound, dice)
    return bytes(data)


def flip(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    for _ in range(dice.randint(1, 30) if data else 0):
        data[dice.randrange(len(data))] = dice.randrange(256)


def cut(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    del data[dice.randint(0, len(data)) :]


def drop(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    start = dice.randint(0, len(data))
    del data[start : start + dice.randint(1, 500)]


def splice(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    other = dice.choice(sound)
    data[dice.randint(0, len(data)) :] = other[dice.randint(0, len(other)) :]


def repeat(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    start = dice.randint(0, len(data))
    piece = bytes(data[start : start + dice.randint(1, 60)])
    data[start:start] = piece * dice.choice((2, 50, 2_000))


def digits(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    """Other numbers: of objects, of places, of lengths."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    for place in dice.sample(places, min(len(places), 12)):
        data[place] = dice.randrange(48, 58)


def noise(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    start = dice.randint(0, len(data))
    data[start:start] = dice.randbytes(dice.randint(1, 2_000))


def zeros(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    start = dice.randint(0, len(data))
    data[start : start + dice.randint(1, 400)] = bytes(dice.randint(1, 400))


def letters(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    for _ in range(dice.randint(1, 30) if data else 0):
        data[dice.randrange(len(data))] = dice.randrange(32, 127)


def marks(data: bytearray, sound: Sequence[bytes], dice: random.Random) -> None:
    """Pieces of markup where they do not belong, some of them many times."""
    for _ in range(dice.randint(1, 6)):
        place = dice.randint(0, len(data))
        data[place:place] = dice.choice(MARKS) * dice.choice((1, 1, 3, 400))


Way = Callable[[bytearray, Sequence[bytes], random.Random], None]
MARKS = (
    *b"<div> </p> <b <!-- --> <![CDATA[ ]]> &#0; &amp <script> </body> <table><tr> <li> < | {".split(),
    *b"[^a] [^a]: # > - * ` ``` ![".split(),
    *(b"---\n", b"\n\n", b"\t", b" ", b'"', b"'", b"](", b"\\", b": ", b"\n# ", b"\n> ", b"\n- "),
)
WAYS: dict[str, tuple[Way, ...]] = {
    "pdf": (flip, cut, drop, splice, repeat, digits, noise, zeros, letters),
    **dict.fromkeys(("html", "md", "txt"), (cut, drop, splice, repeat, digits, letters, marks, marks)),
}
RARELY = (flip, noise, zeros)  # of text: what is left of it is no text, and goes no further


def bombs() -> Iterator[tuple[str, float, str]]:
    """Each bomb in a folder with a good file: its name, the seconds it took, and how it ended."""
    for name, (make, _) in (BOMBS | SLOW_BOMBS).items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "bomb.pdf").write_bytes(make())
            Path(folder, "good.pdf").write_bytes(pdf(column(*SENTENCES)))
            done = tortured(Path(folder))
        (how,) = [reason for (_, reason) in done.outcomes.elements()][-1:]
        yield name, done.slowest[0], how


if __name__ == "__main__":
    whole = torture_readers(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
    print(f"{whole.files} files in {whole.seconds:.0f} s, the slowest {whole.slowest}, lost {whole.lost}")
    for (suffix, reason), number in whole.outcomes.most_common():
        print(f"{number:5} {suffix} {reason}")
    for name, seconds, how in bombs():
        print(f"{seconds:6.1f} s  {name}: {how}")
