"""`redouble copy`: everything that one place holds, to another: servers, clusters, files."""

from redouble.transfer.copying import Copy, Filter, Progress
from redouble.transfer.places import Place, PlaceError, open_source, open_target

__all__ = ["Copy", "Filter", "Place", "PlaceError", "Progress", "open_source", "open_target"]
