"""The project under test: only the class of the cache's connections changes, and they stay in this process."""

import redouble

from settings import *  # noqa: F403
from settings import CACHES

CACHES["default"]["OPTIONS"] = {"connection_class": redouble.FakeConnection}
