from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.urls import path

import bank


def rates(request: HttpRequest) -> JsonResponse:
    return JsonResponse(cache.get_or_set("rates", bank.ask, timeout=60))


urlpatterns = [path("rates", rates)]
