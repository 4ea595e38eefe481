"""Near-duplicates: the same article from two places is one source with two addresses; what differs is kept apart.

MinHash over runs of five words finds the pairs (Broder, "On the resemblance and containment of documents", 1997; the
signatures and their index are datasketch's), the exact resemblance and the names and numbers of both decide.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.types import Document

__all__ = ["Pair", "Signature", "near_duplicates", "signature_of"]

RUN = 5  # words
PERMUTATIONS = 128
SCHEME = "affine32"  # datasketch's, of 32-bit hashes; another one makes other signatures
ALIKE = 0.7  # estimated resemblance from which a pair is looked at, and shown in the plan
SAME = 0.9  # resemblance from which two articles may be one
SHORTEST = 20  # words of an article that its text alone can be known by
WORD = re.compile(r"\w+")
TELLING = re.compile(r"\b(?:[A-Z]\w+|\d[\d.,]*)")  # names and numbers

Signature = NDArray[np.uint32]  # (PERMUTATIONS,)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles that are alike; `resemblance` is the share of their runs of words that both have, in [0, 1].

    `merged` where they are one: `kept` then has the address of `other`. `why` says in words why they are not.
    """

    kept: str
    other: str
    resemblance: float
    merged: bool
    why: str = ""


def signature_of(text: str) -> Signature:
    """The MinHash of a text's runs of words; the same on every machine."""
    from datasketch import MinHash

    # datasketch's own hash, the first 32 bits of SHA-1, of all runs at once: one by one took half of the time.
    digests = b"".join([hashlib.sha1(run.encode()).digest() for run in runs(text)])
    hashes = np.frombuffer(digests, dtype="<u4")[:: hashlib.sha1().digest_size // 4]
    made = MinHash(num_perm=PERMUTATIONS, seed=1, scheme=SCHEME, hashfunc=int)
    made.update_batch(hashes.tolist())
    values: Signature = made.hashvalues.astype(np.uint32)
    return values


def runs(text: str) -> set[str]:
    """Every run of five words, in lower case; of a shorter text the whole."""
    words = WORD.findall(text.casefold())
    return set(map(" ".join, zip(*(words[start:] for start in range(RUN)), strict=False))) or {" ".join(words)}


def near_duplicates(
    documents: Sequence[Document], signatures: Mapping[str, Signature], first: Iterable[str] = ()
) -> list[Pair]:
    """The pairs among documents of different files, the most alike first; ids in `first` are kept rather than others.

    Lines of one file are records that somebody has told apart: they are not compared.
    """
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS)
    rank = {name: place for place, name in enumerate(dict.fromkeys([*first, *(each.doc_id for each in documents)]))}
    by_id = {each.doc_id: each for each in documents}
    found: list[Pair] = []
    for document in sorted(documents, key=lambda each: rank[each.doc_id]):
        made = MinHash(num_perm=PERMUTATIONS, seed=1, scheme=SCHEME, hashvalues=signatures[document.doc_id])
        for name in lsh.query(made):
            if file_of(by_id[name]) != file_of(document) and (pair := compared(by_id[name], document)):
                found.append(pair)
        lsh.insert(document.doc_id, made)
    return sorted(found, key=lambda pair: (-pair.resemblance, rank[pair.kept], rank[pair.other]))


def file_of(document: Document) -> str:
    """The file of a document: of a JSON line or a part of a volume, the file that holds it."""
    return document.source.partition("#")[0]


def compared(kept: Document, other: Document) -> Pair | None:
    """The pair with its decision; None where they are less alike than their signatures say."""
    one, two = runs(kept.text), runs(other.text)
    resemblance = len(one & two) / len(one | two)
    if resemblance < ALIKE:
        return None
    mine, theirs = telling(kept.text), telling(other.text)
    why = ""
    if min(len(WORD.findall(each.text)) for each in (kept, other)) < SHORTEST:
        why = f"with fewer than {SHORTEST} words they cannot be told"
    elif mine - theirs and theirs - mine:
        why = f"one says {sample(mine - theirs)} where the other says {sample(theirs - mine)}"
    elif resemblance < SAME:
        why = f"only {resemblance:.0%} of their words are the same"
    return Pair(kept.doc_id, other.doc_id, round(resemblance, 4), not why, why)


def telling(text: str) -> set[str]:
    """The capitalised words and the numbers of a text: where each of two has one that the other lacks, they differ."""
    return set(TELLING.findall(text))


def sample(words: set[str]) -> str:
    """The first of them in the alphabet."""
    return min(words)
