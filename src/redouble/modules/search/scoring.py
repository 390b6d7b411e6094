"""How well a document fits a query: RediSearch's scorers, and what EXPLAINSCORE says of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from redouble.modules.search.index.documents import Document
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.vectors import single
from redouble.modules.search.plans import Record
from redouble.resp.reply import Reply, Status

__all__ = ["DEFAULT_SCORER", "SCORERS", "Scored", "Scorer", "slop_of"]


@dataclass
class Scored:
    """A score, and how it came about."""

    score: float
    text: str
    parts: list[Scored] | None = None

    def explained(self) -> Reply:
        """As EXPLAINSCORE replies it."""
        text = Status(self.text.encode("utf-8", "surrogateescape"))
        return text if self.parts is None else [text, [part.explained() for part in self.parts]]


Scorer: TypeAlias = Callable[[Record, Document, Index, bytes, float], Scored]
"""Of what was found in a document, for a query with a PAYLOAD; what is below the last argument counts as 0."""
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
        distance = _nearest(list(one.places()), list(other.places()))
        total += distance * distance
    return int(math.sqrt(total)) if total else max(len(children) - 1, 1)


NOWHERE: Final = -1
"""A place of what has none."""


def _nearest(ones: list[int], others: list[int]) -> int:
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


def _tfidf(record: Record, document: Document, norm: int, minimum: float) -> Scored:
    if not document.score:
        return Scored(0.0, "Document score is 0")
    found = _tfidf_of(record)
    score = document.score * found.score
    score = score / norm if norm else score * math.inf
    if score < minimum:
        return Scored(0.0, f"TFIDF score of {score:.2f} is smaller than minimum score {minimum:.2f}", [found])
    slop = slop_of(record)
    score /= slop
    text = (
        f"Final TFIDF : words TFIDF {found.score:.2f} * document score {document.score:.2f} / norm {norm} / slop {slop}"
    )
    return Scored(score, text, [found])


def _tfidf_of(record: Record) -> Scored:
    if record.children is not None:
        parts = [_tfidf_of(child) for child in record.children]
        total = sum(part.score for part in parts)
        text = f"(Weight {record.weight:.2f} * total children TFIDF {total:.2f})"
        return Scored(record.weight * total, text, parts)
    if record.term is not None:
        score = record.weight * record.frequency * record.idf
        return Scored(
            score,
            f"(TFIDF {score:.2f} = Weight {record.weight:.2f} * TF {record.frequency} * IDF {record.idf:.2f})",
        )
    score = record.weight * record.frequency
    return Scored(score, f"(TFIDF {score:.2f} = Weight {record.weight:.2f} * Frequency {record.frequency})")


def tfidf(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """Frequent terms count, those that many documents have count less."""
    return _tfidf(record, document, document.max_frequency, minimum)


def tfidf_docnorm(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """TFIDF, but by the length of the document."""
    return _tfidf(record, document, document.length, minimum)


def bm25(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """Okapi's formula as RediSearch had it first, which looks at the average length alone."""
    average = average_length(index)
    found = _bm25_of(record, average)
    if document.score * found.score < minimum:
        return _too_small(found, document)
    slop = slop_of(record)
    text = f"Final BM25 : words BM25 {found.score:.2f} * document score {document.score:.2f} / slop {slop}"
    return Scored(document.score * found.score / slop, text, [found])


def _too_small(found: Scored, document: Document) -> Scored:
    score = document.score * found.score
    return Scored(0.0, f"BM25 score of {found.score:.2f} is smaller than minimum score {score:.2f}", [found])


def average_length(index: Index) -> float:
    return index.documents.total_length / len(index.documents)


def _bm25_of(record: Record, average: float) -> Scored:
    if record.children is not None:
        parts = [_bm25_of(child, average) for child in record.children]
        score = record.weight * sum(part.score for part in parts)
        return Scored(score, f"(Weight {record.weight:.2f} * children BM25 {score:.2f})", parts)
    frequency = record.frequency
    factor = record.weight if record.term is None else record.idf
    score = factor * frequency / (frequency + K1 * (1.0 - B + B * average)) if frequency else 0.0
    if record.term is None and not frequency:
        return Scored(score, "Frequency 0 -> value 0")
    name = "Weight" if record.term is None else "IDF"
    text = (
        f"({score:.2f} = {name} {factor:.2f} * F {frequency} / (F {frequency} + k1 1.2 * (1 - b 0.5 + b 0.5 * Average"
        f" Len {average:.2f})))"
    )
    return Scored(score, text)


def bm25std(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """Okapi's formula as others have it."""
    found = _bm25std_of(record, document.length, average_length(index))
    if document.score * found.score < minimum:
        return _too_small(found, document)
    text = f"Final BM25 : words BM25 {found.score:.2f} * document score {document.score:.2f}"
    return Scored(document.score * found.score, text, [found])


def _bm25std_of(record: Record, length: int, average: float) -> Scored:
    if record.children is not None:
        parts = [_bm25std_of(child, length, average) for child in record.children]
        score = record.weight * sum(part.score for part in parts)
        return Scored(score, f"(Weight {record.weight:.2f} * children BM25 {score:.2f})", parts)
    if record.term is None and not (record.is_virtual and record.frequency and record.weight):
        return Scored(0.0, "Irrelevant token -> score is 0")
    f, idf = float(record.frequency), 1.0 if record.term is None else record.bm25_idf
    ratio = length / average if average else math.nan
    score = idf * f * (K1 + 1.0) / (f + K1 * (1.0 - B + B * ratio))
    term = (b"*" if record.term is None else record.term).decode("utf-8", "surrogateescape")
    text = (
        f"{term}: ({score:.2f} = IDF {idf:.2f} * (F {f:.2f} * (k1 1.2 + 1)) / (F {f:.2f} + k1 1.2 * (1 - b 0.5 + b 0.5"
        f" * Doc Len {length} / Average Doc Len {average:.2f})))"
    )
    return Scored(score, text)


def dismax(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """Frequencies: of alternatives the best, of what belongs together the sum."""
    if record.is_measured and record.children is not None:
        return dismax(record.children[1], document, index, payload, minimum)
    if record.children is not None:
        parts = [dismax(child, document, index, payload, minimum) for child in record.children]
        scores = [part.score for part in parts]
        total = max(scores, default=0.0) if record.takes_most else sum(scores)
        score = record.weight * total
        return Scored(score, f"{score:.2f} = Weight {record.weight:.2f} * children DISMAX {total:.2f}", parts)
    score = record.weight * record.frequency
    return Scored(score, f"DISMAX {score:.2f} = Weight {record.weight:.2f} * Frequency {record.frequency}")


def docscore(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """What the document itself says."""
    return Scored(document.score, f"Document's score is {document.score:.2f}")


def hamming(record: Record, document: Document, index: Index, payload: bytes, minimum: float) -> Scored:
    """How few bits differ between the payloads of document and query."""
    own = document.payload
    if not own or len(own) != len(payload):
        return Scored(0.0, "Payloads provided to scorer vary in length")
    count = bin(int.from_bytes(own, "big") ^ int.from_bytes(payload, "big")).count("1")
    score = 1.0 / (count + 1)
    text = f"String length is {len(payload)}. Bit count is {count}. Result is (1 / count + 1) = {score:.2f}"
    return Scored(score, text)


SCORERS: Final[dict[bytes, Scorer]] = {
    b"TFIDF": tfidf,
    b"TFIDF.DOCNORM": tfidf_docnorm,
    b"BM25": bm25,
    b"BM25STD": bm25std,
    b"DISMAX": dismax,
    b"DOCSCORE": docscore,
    b"HAMMING": hamming,
}
DEFAULT_SCORER: Final = b"TFIDF"
