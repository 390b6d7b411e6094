"""The dictionaries of FT.SUGADD: a radix tree of words with scores, which is searched for the best that begin in some way.

Scores are floats of 32 bits.  The children of a node stand in the order of the best score below them, so that a search can leave out
what is worse than what it has; which words with equal scores are found depends on that order, and is the same here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from redouble.types.module_value import ModuleValue

__all__ = ["LONGEST", "Found", "Suggestions"]

LONGEST = 254
"""Letters of a word; longer ones are not taken."""
CERTAIN = 2147483648.0
"""The score of a word that was asked for in full."""
TRIM_FACTOR = 10.0
WORD_SIZE = 35
"""What MEMORY USAGE counts for each."""


def single(number: float) -> float:
    """As a float of 32 bits."""
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return rounded


def letters_of(word: bytes) -> str:
    """A word as the tree keeps it, in letters of 16 bits."""
    return "".join(chr(ord(letter) & 0xFFFF) for letter in word.decode("utf-8", "replace"))


def folded(letters: str) -> str:
    """Without capitals, letter by letter."""
    return "".join(letter.casefold()[:1] for letter in letters)


class Node:
    """Some letters, and what may follow them."""

    __slots__ = ("best", "children", "is_word", "letters", "payload", "score", "was_word")

    def __init__(self, letters: str, score: float = 0.0, payload: bytes = b"", *, is_word: bool = False) -> None:
        self.letters = letters
        self.score = score
        self.payload = payload
        self.is_word = is_word
        self.was_word = False
        """It was deleted, but stands while others hang on it."""
        self.best = score
        """Of the scores here and below, though never lowered by a change, nor raised by a word that comes to stand before others."""
        self.children: list[Node] = []

    def copy(self) -> Node:
        other = Node(self.letters, self.score, self.payload, is_word=self.is_word)
        other.was_word, other.best = self.was_word, self.best
        other.children = [child.copy() for child in self.children]
        return other

    def split(self, at: int) -> None:
        """Give what stands from `at` on to a new child."""
        rest = Node(self.letters[at:], self.score, self.payload, is_word=self.is_word)
        rest.was_word = self.was_word
        rest.best = self.best
        rest.children = self.children
        self.letters = self.letters[:at]
        self.score, self.payload, self.is_word, self.was_word = 0.0, b"", False, False
        self.children = [rest]

    def join(self) -> None:
        """Take the only child in, if nothing ends here."""
        if not self.is_word and len(self.children) == 1:
            child = self.children[0]
            self.letters += child.letters
            self.score, self.payload, self.best = child.score, child.payload, child.best
            self.is_word, self.was_word, self.children = child.is_word, child.was_word, child.children

    def tidy(self) -> None:
        """After a deletion: drop what is empty, join what is single, and order the rest."""
        self.children = [child for child in self.children if child.children or not child.was_word]
        for child in self.children:
            child.join()
        self.best = max([self.score, *(child.best for child in self.children)])
        self.sort()

    def sort(self) -> None:
        """Put the best child first, of equals the one with the least letter."""
        self.children.sort(key=lambda child: (-child.best, child.letters))


@dataclass
class Found:
    """A suggestion."""

    word: bytes
    score: float
    payload: bytes


class Suggestions(ModuleValue):
    """A dictionary of words to suggest."""

    __slots__ = ("root", "size")

    type_name = b"trietype0"

    def __init__(self) -> None:
        self.root = Node("")
        self.size = 0

    def add(self, word: bytes, score: float, payload: bytes = b"", *, adds_up: bool = False) -> None:
        """Add a word or change its score, or add to it; O(its length).  A score of zero changes nothing."""
        letters = letters_of(word)
        score = single(score)
        if not letters or len(letters) > LONGEST or not score:
            return
        self.size += _add(self.root, letters, score, payload, adds_up)

    def delete(self, word: bytes) -> bool:
        """Whether there was such a word."""
        rest = letters_of(word)
        path = [self.root]
        while rest:
            found = [child for child in path[-1].children if rest.startswith(child.letters)]
            if not found:
                break
            rest = rest[len(found[0].letters) :]
            path.append(found[0])
        node = path[-1]
        is_there = not rest and node.is_word
        if is_there:
            node.is_word, node.was_word, node.score = False, True, 0.0
            self.size -= 1
        for each in reversed(path):
            each.tidy()
        return is_there

    def words(self) -> Iterator[Found]:
        """All of them, in the order of the tree."""
        for letters, node in self._nodes(self.root, ""):
            if node.is_word:
                yield Found(letters.encode("utf-8", "surrogatepass"), node.score, node.payload)

    def _nodes(self, node: Node, before: str) -> Iterator[tuple[str, Node]]:
        waiting = [(before, node)]
        while waiting:
            before, node = waiting.pop()
            letters = before + node.letters
            yield letters, node
            waiting.extend((letters, child) for child in reversed(node.children))

    # Searching.

    def search(self, prefix: bytes, count: int, *, is_fuzzy: bool = False, trims: bool = False) -> list[Found]:
        """The best `count` words with that prefix, or with one that is a letter away from it.

        `trims` leaves out those whose score is less than a tenth of the best one's.
        """
        pattern = folded(letters_of(prefix))
        if len(pattern) > LONGEST:
            return []
        search = _Search(pattern, len(prefix), count, 1 if is_fuzzy else 0)
        search.visit(self.root)
        found = search.results()
        if trims:
            best = 0.0
            for index, one in enumerate(found):
                if best and one.score < best / TRIM_FACTOR:
                    return found[:index]
                best = max(best, one.score)
        return found

    # The value of a key.

    def copy(self) -> Suggestions:
        other = Suggestions()
        other.root = self.root.copy()
        other.size = self.size
        return other

    def memory_usage(self) -> int:
        return WORD_SIZE * self.size

    def describe(self) -> Iterator[str]:
        yield f"{self.size} words"
        for found in self.words():
            yield f"{found.word!r} {found.score:g}{f' {found.payload!r}' if found.payload else ''}"

    def check(self) -> None:
        words = 0
        for _, node in self._nodes(self.root, ""):
            words += node.is_word
            assert node is self.root or node.letters
            firsts = [child.letters[0] for child in node.children]
            assert len(set(firsts)) == len(firsts)
        assert words == self.size


def _add(node: Node, letters: str, score: float, payload: bytes, adds_up: bool) -> int:
    """1: it is a new word."""
    path: list[tuple[Node, int]] = []
    while True:
        same = 0
        while same < len(node.letters) and same < len(letters) and node.letters[same] == letters[same]:
            same += 1
        if same < len(node.letters):
            node.split(same)
            if same == len(letters):
                node.score, node.payload, node.is_word = score, payload, True
            else:  # two stand by their letters, whatever their scores
                added_node = Node(letters[same:], score, payload, is_word=True)
                node.children.insert(added_node.letters > node.children[0].letters, added_node)
                node.best = max(node.best, score)
            added = 1
            break
        node.best = max(node.best, score)
        if same == len(letters):
            added = 0 if node.is_word else 1
            node.score = single(node.score + score) if adds_up else score
            node.payload = payload or node.payload
            node.is_word, node.was_word = True, False
            break
        letters = letters[same:]
        index = next((at for at, child in enumerate(node.children) if child.letters[0] == letters[0]), None)
        if index is None:
            _insert(node, Node(letters, score, payload, is_word=True))
            added = 1
            break
        path.append((node, index))
        node = node.children[index]
    for parent, index in reversed(path):
        if index and parent.children[index - 1].best < parent.children[index].best:
            parent.sort()
    return added


def _insert(node: Node, child: Node) -> None:
    """Before the first child that is worse."""
    children = node.children
    at = next((at for at, other in enumerate(children) if other.best < child.best), len(children))
    children.insert(at, child)


class _Search:
    """Walks through the tree with a Levenshtein automaton, and keeps the best in a heap."""

    def __init__(self, pattern: str, length: int, count: int, distance: int) -> None:
        self.pattern = pattern
        self.length = length
        """Of the prefix, in bytes."""
        self.count = count
        self.distance = distance
        self.least = -math.inf
        """Who cannot reach that is left out."""
        self.heap: list[Found] = []
        self.folded_start = pattern.encode("utf-16-le", "surrogatepass")

    def visit(self, root: Node) -> None:
        start = {index: index for index in range(min(self.distance, len(self.pattern)) + 1)}
        waiting: list[tuple[Node, str, dict[int, int], int]] = [(root, "", start, self.distance + 1)]
        while waiting:
            node, before, state, nearest = waiting.pop()
            if node is not root and node.best < self.least and node.score < self.least:
                continue
            step = self._read(node.letters, state, nearest)
            if step is None:
                continue
            state, nearest, is_match = step
            letters = before + node.letters
            if is_match and node.is_word and letters:
                self._offer(node, letters, nearest)
            waiting.extend((child, letters, state, nearest) for child in reversed(node.children))

    def _read(self, letters: str, state: dict[int, int], nearest: int) -> tuple[dict[int, int], int, bool] | None:
        """The state behind some letters, the least distance so far and whether it is a match; None: nothing can follow.

        An empty state is one behind the whole pattern, where everything may follow.
        """
        is_match = not state
        end = len(self.pattern)
        for letter in folded(letters) if state else "":
            is_match = end in state
            state = self._step(state, letter)
            if not state:
                if is_match:
                    break
                return None
            if end in state:
                nearest = min(nearest, state[end])
                is_match = True
        return state, nearest, is_match

    def _step(self, state: dict[int, int], letter: str) -> dict[int, int]:
        """Places in the pattern, with the fewest changes that lead there, after one more letter."""
        following: dict[int, int] = {}
        for index in range(min(state), len(self.pattern) + 1):
            ways = [following[index - 1] + 1] if index - 1 in following else []
            if index - 1 in state:
                ways.append(state[index - 1] + (self.pattern[index - 1] != letter))
            if index in state:
                ways.append(state[index] + 1)
            if ways and min(ways) <= self.distance:
                following[index] = min(ways)
        return following

    def _offer(self, node: Node, letters: str, nearest: int) -> None:
        score = node.score
        start = letters.encode("utf-16-le", "surrogatepass")
        size = len(letters)
        if size == len(self.pattern) and start[:size] == self.folded_start[:size]:  # bytes, that is half of the letters
            score = CERTAIN
        if self.distance:
            score = single(score * math.exp(-2 * nearest))
        score = single(score / math.sqrt(1 + abs(size - self.length)))
        found = Found(letters.encode("utf-8", "surrogatepass"), score, node.payload)
        if len(self.heap) < self.count:
            self._push(found)
            if len(self.heap) == self.count:
                self.least = self.heap[0].score
        elif score > self.least:
            self._pop()
            self._push(found)
            self.least = max(self.least, self.heap[0].score)

    def _push(self, found: Found) -> None:
        """The worst is on top; of equals the last one rises."""
        heap = self.heap
        heap.append(found)
        at = len(heap) - 1
        while at and not heap[at].score > heap[(at - 1) // 2].score:
            heap[at], heap[(at - 1) // 2] = heap[(at - 1) // 2], heap[at]
            at = (at - 1) // 2

    def _pop(self) -> Found:
        heap = self.heap
        worst, last = heap[0], heap.pop()
        if heap:
            heap[0] = last
            at = 0
            while (child := 2 * at + 1) < len(heap):
                if child + 1 < len(heap) and heap[child + 1].score < heap[child].score:
                    child += 1
                if not heap[child].score < heap[at].score:
                    break
                heap[at], heap[child] = heap[child], heap[at]
                at = child
        return worst

    def results(self) -> list[Found]:
        found = [self._pop() for _ in range(len(self.heap))]
        return found[::-1]
