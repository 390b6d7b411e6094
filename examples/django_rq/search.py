"""The application: pages are put into the index by a job."""

from __future__ import annotations

from collections import defaultdict

import django_rq

pages_with: dict[str, set[str]] = defaultdict(set)


@django_rq.job
def index(page: str, text: str) -> int:
    words = set(text.lower().split())
    for word in words:
        pages_with[word].add(page)
    return len(words)
