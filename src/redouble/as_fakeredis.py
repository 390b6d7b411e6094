"""`pytest -p redouble.as_fakeredis`: a suite that was written for fakeredis runs on redouble, no line changed."""

from __future__ import annotations

from redouble.compat.install import install_as_fakeredis

install_as_fakeredis()
