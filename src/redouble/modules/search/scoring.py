"""How well a document fits a query: RediSearch's scorers, and what EXPLAINSCORE says of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from redouble.modules.search.index.documents import Document
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.vectors import single
from redouble.modules.search.plans import Record
from redouble.resp.reply import Reply, Status

__all__ = ["DEFAULT_SCORER", "SCORERS", "Scorer", "slop_of"]

B: Final = 0.5
K1: Final = single(1.2)
"""A float of 32 bits."""


def slop_of(record: Record) -> int:
    """How far apart the parts stand, pair by pair; 1: nothing can be said."""
    children = record.children
    if children is None or len(children) <= 1 or record.is_measured:
        return 1
    placed = [child for child in children if child.has_positions]
    total = 0
    for one, other in itertools.pairwise(placed):
        distance = _nearest(one.places(), other.places())
        total += distance * distance
    return int(math.sqrt(total)) if total else max(len(children) - 1, 1)


NOWHERE: Final = -1
"""A place of what has none."""


def _nearest(ones: Sequence[int], others: Sequence[int]) -> int:
    """The least distance between a place of each."""
    if not ones or not others:
        return abs((others[0] if others else NOWHERE) - (ones[0] if ones else NOWHERE))
    i = j = 0
    least = abs(others[0] - ones[0])
    while least > 1 and i < len(ones) and j < len(others):
        least = min(least, abs(others[j] - ones[i]))
        if others[j] > ones[i]:
            i += 1
        else:
            j += 1
    return least


def _explained(text: str, parts: list[Reply] | None = None) -> Reply:
    """A line of an explanation, and those below it."""
    line = Status(text.encode("utf-8", "surrogateescape"))
    return line if parts is None else [line, parts]


class Scorer:
    """One for each search; this one takes what the document itself says (DOCSCORE)."""

    def __init__(self, index: Index, payload: bytes) -> None:
        documents = index.documents
        self.average = documents.total_length / len(documents) if len(documents) else 0.0
        """Words in a document."""
        self.payload = payload
        """That of the query."""

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        """Of what was found in a document; some count what is below `minimum` as 0."""
        return document.score

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        """How the score comes about, line by line."""
        return _explained(f"Document's score is {document.score:.2f}")


class TfIdf(Scorer):
    """Frequent terms count, those that many documents have count less."""

    def norm(self, document: Document) -> int:
        """By what the sum is divided."""
        return document.max_frequency

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        score = self._sum(record, document)
        if score < minimum or not document.score:
            return 0.0
        return score if record.children is None else score / slop_of(record)

    def _sum(self, record: Record, document: Document) -> float:
        norm = self.norm(document)
        score = document.score * self._of(record)
        return score / norm if norm else score * math.inf

    def _of(self, record: Record) -> float:
        children = record.children
        if children is None:
            return record.weight * record.frequency * record.idf
        total = 0.0
        for child in children:
            total += self._of(child)
        return record.weight * total

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        if not document.score:
            return _explained("Document score is 0")
        score, parts = self._sum(record, document), [self._explain(record)]
        if score < minimum:
            return _explained(f"TFIDF score of {score:.2f} is smaller than minimum score {minimum:.2f}", parts)
        return _explained(
            f"Final TFIDF : words TFIDF {self._of(record):.2f} * document score {document.score:.2f}"
            f" / norm {self.norm(document)} / slop {slop_of(record)}",
            parts,
        )

    def _explain(self, record: Record) -> Reply:
        weight, frequency = record.weight, record.frequency
        if record.children is not None:
            total = sum(self._of(child) for child in record.children)
            text = f"(Weight {weight:.2f} * total children TFIDF {total:.2f})"
            return _explained(text, list(map(self._explain, record.children)))
        found = self._of(record)
        if record.term is not None:
            return _explained(f"(TFIDF {found:.2f} = Weight {weight:.2f} * TF {frequency} * IDF {record.idf:.2f})")
        return _explained(f"(TFIDF {found:.2f} = Weight {weight:.2f} * Frequency {frequency})")


class TfIdfByLength(TfIdf):
    """TFIDF, but by the length of the document (TFIDF.DOCNORM)."""

    def norm(self, document: Document) -> int:
        return document.length


class Bm25(Scorer):
    """Okapi's formula as RediSearch had it first, which looks at the average length alone."""

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        score = document.score * self._of(record)
        if score < minimum:
            return 0.0
        return score if record.children is None else score / slop_of(record)

    def _of(self, record: Record) -> float:
        if record.children is not None:
            return record.weight * sum(map(self._of, record.children))
        frequency = record.frequency
        factor = record.weight if record.term is None else record.idf
        return factor * frequency / (frequency + K1 * (1.0 - B + B * self.average)) if frequency else 0.0

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        found, parts = self._of(record), [self._explain(record)]
        if document.score * found < minimum:
            return _too_small(found, document, parts)
        text = f"Final BM25 : words BM25 {found:.2f} * document score {document.score:.2f} / slop {slop_of(record)}"
        return _explained(text, parts)

    def _explain(self, record: Record) -> Reply:
        found = self._of(record)
        if record.children is not None:
            text = f"(Weight {record.weight:.2f} * children BM25 {found:.2f})"
            return _explained(text, list(map(self._explain, record.children)))
        frequency = record.frequency
        if record.term is None and not frequency:
            return _explained("Frequency 0 -> value 0")
        name, factor = ("Weight", record.weight) if record.term is None else ("IDF", record.idf)
        return _explained(
            f"({found:.2f} = {name} {factor:.2f} * F {frequency} / (F {frequency} + k1 1.2 * (1 - b 0.5 + b 0.5 * Average"
            f" Len {self.average:.2f})))"
        )


def _too_small(found: float, document: Document, parts: list[Reply]) -> Reply:
    score = document.score * found
    return _explained(f"BM25 score of {found:.2f} is smaller than minimum score {score:.2f}", parts)


class Bm25Std(Scorer):
    """Okapi's formula as others have it."""

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        score = document.score * self._of(record, document.length)
        return 0.0 if score < minimum else score

    def _of(self, record: Record, length: int) -> float:
        if record.children is not None:
            return record.weight * sum([self._of(child, length) for child in record.children])
        if self._is_irrelevant(record):
            return 0.0
        frequency = float(record.frequency)
        idf = 1.0 if record.term is None else record.bm25_idf
        ratio = length / self.average if self.average else math.nan
        return idf * frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * ratio))

    @staticmethod
    def _is_irrelevant(record: Record) -> bool:
        """Of what is no term only `*` counts, and what is taken for it."""
        return record.term is None and not (record.is_virtual and record.frequency and record.weight)

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        found, parts = self._of(record, document.length), [self._explain(record, document.length)]
        if document.score * found < minimum:
            return _too_small(found, document, parts)
        return _explained(f"Final BM25 : words BM25 {found:.2f} * document score {document.score:.2f}", parts)

    def _explain(self, record: Record, length: int) -> Reply:
        found = self._of(record, length)
        if record.children is not None:
            text = f"(Weight {record.weight:.2f} * children BM25 {found:.2f})"
            return _explained(text, [self._explain(child, length) for child in record.children])
        if self._is_irrelevant(record):
            return _explained("Irrelevant token -> score is 0")
        term = (b"*" if record.term is None else record.term).decode("utf-8", "surrogateescape")
        idf = 1.0 if record.term is None else record.bm25_idf
        frequency = f"F {record.frequency:.2f}"
        return _explained(
            f"{term}: ({found:.2f} = IDF {idf:.2f} * ({frequency} * (k1 1.2 + 1)) / ({frequency} + k1 1.2 * (1 - b 0.5 + b 0.5"
            f" * Doc Len {length} / Average Doc Len {self.average:.2f})))"
        )


class DisMax(Scorer):
    """Frequencies: of alternatives the best, of what belongs together the sum."""

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        return self._of(record)

    def _of(self, record: Record) -> float:
        if record.children is None:
            return record.weight * record.frequency
        if record.is_measured:
            return self._of(record.children[1])
        return record.weight * self._of_children(record, record.children)

    def _of_children(self, record: Record, children: list[Record]) -> float:
        scores = map(self._of, children)
        return max(scores) if record.takes_most else sum(scores)

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        return self._explain(record)

    def _explain(self, record: Record) -> Reply:
        found = self._of(record)
        if record.children is None:
            return _explained(f"DISMAX {found:.2f} = Weight {record.weight:.2f} * Frequency {record.frequency}")
        if record.is_measured:
            return self._explain(record.children[1])
        total = self._of_children(record, record.children)
        text = f"{found:.2f} = Weight {record.weight:.2f} * children DISMAX {total:.2f}"
        return _explained(text, list(map(self._explain, record.children)))


class Hamming(Scorer):
    """How few bits differ between the payloads of document and query."""

    def score(self, record: Record, document: Document, minimum: float = 0.0) -> float:
        bits = self._bits(document)
        return 0.0 if bits is None else 1.0 / (bits + 1)

    def _bits(self, document: Document) -> int | None:
        own = document.payload
        if not own or len(own) != len(self.payload):
            return None
        return bin(int.from_bytes(own, "big") ^ int.from_bytes(self.payload, "big")).count("1")

    def explain(self, record: Record, document: Document, minimum: float = 0.0) -> Reply:
        bits = self._bits(document)
        if bits is None:
            return _explained("Payloads provided to scorer vary in length")
        return _explained(
            f"String length is {len(self.payload)}. Bit count is {bits}. Result is (1 / count + 1) = {1 / (bits + 1):.2f}"
        )


SCORERS: Final[dict[bytes, type[Scorer]]] = {
    b"TFIDF": TfIdf,
    b"TFIDF.DOCNORM": TfIdfByLength,
    b"BM25": Bm25,
    b"BM25STD": Bm25Std,
    b"DISMAX": DisMax,
    b"DOCSCORE": Scorer,
    b"HAMMING": Hamming,
}
DEFAULT_SCORER: Final = b"TFIDF"
