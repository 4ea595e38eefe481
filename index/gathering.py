"""Sources -> the articles of the next generation: renamed ones keep their ids, withdrawn ones stay out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from index.duplicates import Pair, Signature, near_duplicates, signature_of
from index.errors import SourceError
from index.readers import Scan
from index.register import Register
from index.types import Reading, Skipped

__all__ = ["Gathered", "Known", "gather"]


@dataclass(frozen=True, slots=True)
class Known:
    """What the live generation has of each article, by its id: its version, and by version its signature."""

    versions: Mapping[str, str]
    signatures: Mapping[str, Signature]


@dataclass(frozen=True, slots=True)
class Gathered:
    """`readings` in the order of their ids; `renamed` maps ids that paths give now to the ids their articles have.

    `withheld` are the ids that the register keeps out; `pairs` the near-duplicates with what was decided; `signatures`
    are by id.
    """

    readings: tuple[Reading, ...]
    skipped: tuple[Skipped, ...]
    renamed: Mapping[str, str]
    withheld: tuple[str, ...]
    pairs: tuple[Pair, ...]
    signatures: Mapping[str, Signature]

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """The files, and lines of files, that are damaged."""
        return tuple(each for each in self.skipped if each.damaged)

    @property
    def passed_over(self) -> tuple[Skipped, ...]:
        """The files with which nothing is wrong: there is no reader for their kind."""
        return tuple(each for each in self.skipped if not each.damaged)

    @property
    def why_passed_over(self) -> str:
        """The reasons of those, none twice."""
        return ", ".join(sorted({each.reason for each in self.passed_over}))


def gather(scan: Scan, register: Register, known: Known, merge: bool = True) -> Gathered:
    """The articles of a scan under their lasting ids.

    `SourceError` where all of them are withdrawn.
    """
    named, collided = with_first_ids(scan.readings, register)
    renamed = {**collided, **renames(named, known)}
    placed = [with_id(each, renamed.get(derived, name)) for derived, name, each in named]
    held = [each for each in placed if each.document.doc_id not in register.withdrawn]
    withheld = sorted({each.document.doc_id for each in placed} & register.withdrawn.keys())
    if not held:
        raise SourceError(
            f"All {len(withheld)} articles of these sources are withdrawn. Bring one back with: "
            f"python app.py index restore {withheld[0]}. The index is unchanged"
        )
    held.sort(key=lambda each: each.document.doc_id)
    documents = [each.document for each in held]
    signatures = {
        each.doc_id: known.signatures[each.version] if each.version in known.signatures else signature_of(each.text)
        for each in documents
    }
    first = [name for name in (*register.merged.values(), *sorted(known.versions)) if name in signatures]
    pairs = near_duplicates(documents, signatures, first)
    readings, decided = merged(held, pairs) if merge else (held, [])
    kept = {each.document.doc_id for each in readings}
    return Gathered(
        tuple(readings),
        scan.skipped,
        renamed,
        tuple(withheld),
        tuple(decided),
        {name: each for name, each in signatures.items() if name in kept},
    )


def with_first_ids(
    readings: Sequence[Reading], register: Register
) -> tuple[list[tuple[str, str, Reading]], dict[str, str]]:
    """(id by path, id, reading) of each, and new ids for files that came where a renamed one had been."""
    taken = {register.id_of(each.document.doc_id) for each in readings if each.document.doc_id in register.first}
    named: list[tuple[str, str, Reading]] = []
    collided: dict[str, str] = {}
    for each in readings:
        derived = each.document.doc_id
        name = register.id_of(derived)
        if derived not in register.first and derived in taken:
            name = collided[derived] = free_id(derived, taken)
        taken.add(name)
        named.append((derived, name, each))
    return named, collided


def free_id(derived: str, taken: set[str]) -> str:
    """The id with the first number that nothing has."""
    number = 2
    while f"{derived}~{number}" in taken:
        number += 1
    return f"{derived}~{number}"


def renames(named: Sequence[tuple[str, str, Reading]], known: Known) -> dict[str, str]:
    """New paths of articles that are gone from their old ones and say the same, word for word."""
    there = {name for _, name, _ in named}
    gone: dict[str, list[str]] = {}
    for name, version in sorted(known.versions.items()):
        if name not in there:
            gone.setdefault(version, []).append(name)
    found: dict[str, str] = {}
    for derived, name, each in named:
        if name not in known.versions and gone.get(each.document.version):
            found[derived] = gone[each.document.version].pop(0)
    return found


def with_id(reading: Reading, doc_id: str) -> Reading:
    """The reading under another id."""
    document = reading.document
    return reading if document.doc_id == doc_id else replace(reading, document=replace(document, doc_id=doc_id))


def merged(held: Sequence[Reading], pairs: Sequence[Pair]) -> tuple[list[Reading], list[Pair]]:
    """The readings without those that are another, which has their addresses; and the pairs, each told once."""
    into: dict[str, str] = {}
    decided: list[Pair] = []
    for pair in pairs:
        if pair.kept in into or pair.other in into:
            continue
        if pair.merged:
            into[pair.other] = pair.kept
        decided.append(pair)
    addresses: dict[str, list[str]] = {}
    for each in held:
        if (kept := into.get(each.document.doc_id)) is not None:
            addresses.setdefault(kept, []).append(each.document.source)
    readings = [
        replace(each, document=replace(each.document, addresses=tuple(addresses[each.document.doc_id])))
        if each.document.doc_id in addresses
        else each
        for each in held
        if each.document.doc_id not in into
    ]
    return readings, decided
