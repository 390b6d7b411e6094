"""Vector sets in DUMP and RDB files: the newest element first, each with its links in the graph."""

from __future__ import annotations

from array import array
from typing import Final

from redouble.modules.vectorset.graph import HIGHEST, Layer
from redouble.modules.vectorset.vector_set import Element, VectorSet
from redouble.modules.vectorset.vectors import MOST_DIMENSIONS, QUANTISATIONS, Projection, read_floats, written
from redouble.modules.vectorset.versions import VectorSets, version_of
from redouble.persistence.errors import BadPayload
from redouble.persistence.modules import ModuleReader, ModuleType, ModuleWriter, register

__all__: list[str] = []

WITH_PROJECTION: Final = 1
WITH_ATTRIBUTES: Final = 2
DEFAULT_M: Final = 16
MOST_LINKS: Final = 4 * 4096
TELLS_FARTHEST: Final = 1
"""Version of the form in which a node is written: it tells which neighbour is the farthest."""


def _write(vectors: VectorSet, parts: ModuleWriter) -> None:
    quantisation, dimension, graph = vectors.quantisation, vectors.dimension, vectors.graph
    graph.link_all()
    parts.unsigned(dimension)
    parts.unsigned(len(vectors.elements))
    parts.unsigned(quantisation.number | graph.m << 8)
    parts.unsigned((WITH_PROJECTION if vectors.projection else 0) | (WITH_ATTRIBUTES if vectors.with_attributes else 0))
    if vectors.projection is not None:
        parts.unsigned(vectors.projection.source)
        parts.string(written(vectors.projection.matrix))
    for element in reversed(vectors.elements.values()):
        parts.string(element.name)
        if vectors.with_attributes:
            parts.string(element.attributes or b"")
        parts.string(quantisation.data(element.vector, dimension))
        numbers = _numbers_of(vectors, element, version_of(parts.dialect))
        parts.unsigned(len(numbers))
        for number in numbers:
            parts.unsigned(number)


def _numbers_of(vectors: VectorSet, element: Element, known: type[VectorSets]) -> list[int]:
    """A node: its id, its level and, for each level, its links."""
    numbers = [element.id, element.level | (TELLS_FARTHEST << 24 if known.files_tell_farthest else 0)]
    for layer in element.layers:
        numbers += len(layer.links), layer.most, *layer.links
        if known.files_tell_farthest:
            if layer.worst is None:
                neighbours = map(vectors.by_id, layer.links)
                distances = [vectors.distance(element, neighbour, known.arithmetic) for neighbour in neighbours] or [
                    0.0
                ]
                layer.worst = distances.index(max(distances)) | _bits(max(distances)) << 32
            numbers.append(layer.worst)
    numbers.append(_bits(element.vector.length) | _bits(element.vector.range) << 32)
    return numbers


def _read(parts: ModuleReader, version: int) -> VectorSet:
    dimension, count, settings, flags = parts.unsigned(), parts.unsigned(), parts.unsigned(), parts.unsigned()
    if version or not 0 < dimension <= MOST_DIMENSIONS or settings & 0xFF >= len(QUANTISATIONS) or not count:
        raise BadPayload("no vector set")
    projection = None
    if flags & WITH_PROJECTION:
        source, matrix = parts.unsigned(), parts.string()
        if len(matrix) != 4 * source * dimension or not matrix:
            raise BadPayload("a projection of another size")
        projection = Projection(source, dimension, read_floats(matrix))
    quantisation = QUANTISATIONS[settings & 0xFF]
    vectors = VectorSet(dimension, quantisation, settings >> 8 & 0xFFFF or DEFAULT_M, projection)
    for _ in range(count):
        name = parts.string()
        attributes = (parts.string() or None) if flags & WITH_ATTRIBUTES else None
        data = parts.string()
        if name in vectors.elements or len(data) != quantisation.size(dimension):
            raise BadPayload("no element of this vector set")
        numbers = [parts.unsigned() for _ in range(parts.unsigned())]
        if len(numbers) < 3 or numbers[1] >> 24 & 0xFF > TELLS_FARTHEST:
            raise BadPayload("no node of a graph")
        about = numbers.pop()
        vector = quantisation.read(data, _float(about & 0xFFFFFFFF), _float(about >> 32))
        element = Element(name, attributes, numbers[0], vector, numbers[1] & 0xFF)
        if not element.id or element.level > HIGHEST or element.id in vectors.graph.nodes:
            raise BadPayload("no node of this graph")
        element.layers = _layers(numbers, element.level, vectors.graph.m)
        vectors.insert(element)
        vectors.last_id = max(vectors.last_id, element.id)
    _check_links(vectors)
    return vectors


def _layers(numbers: list[int], levels: int, m: int) -> list[Layer]:
    """The links of a node, from `numbers[2]` on."""
    at, layers = 2, []
    tells_farthest = numbers[1] >> 24 & 0xFF
    for level in range(levels + 1):
        count, most = numbers[at : at + 2] if at + 2 <= len(numbers) else (1, 0)
        at += 2
        if count > most or most > MOST_LINKS or at + count + tells_farthest > len(numbers):
            raise BadPayload("too many links")
        layer = Layer(max(most, m if level else 2 * m))
        links = numbers[at : at + count]
        # Redis 8.6 sorts them, 8.0 does not.
        layer.links = dict.fromkeys(sorted(links) if tells_farthest else links)
        if len(layer.links) != count:
            raise BadPayload("a link twice")
        at += count
        if tells_farthest:
            layer.worst = numbers[at]
            at += 1
            if count and layer.worst & 0xFFFFFFFF >= count:
                raise BadPayload("the farthest of more links than there are")
        layers.append(layer)
    return layers


def _check_links(vectors: VectorSet) -> None:
    """Each link must lead to another node that has the level, and back."""
    nodes = vectors.graph.nodes
    for node in nodes.values():
        for level, layer in enumerate(node.layers):
            for id in layer.links:
                other = nodes.get(id)
                if other is None or other is node or other.level < level or node.id not in other.layers[level].links:
                    raise BadPayload("a link that leads nowhere")


def _bits(number: float) -> int:
    return int.from_bytes(written(array("f", (number,))), "little")


def _float(bits: int) -> float:
    return read_floats(bits.to_bytes(4, "little"))[0]


register(ModuleType(VectorSet, 0, _write, _read))
