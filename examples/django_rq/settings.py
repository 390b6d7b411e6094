"""The project: one queue of django-rq."""

import os

INSTALLED_APPS = ["django_rq"]
RQ_QUEUES = {"default": {"URL": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")}}
USE_TZ = True
