"""What every request goes through."""

import random
import time

from django.conf import settings

chance = random.Random(settings.SLOWNESS_SEED)


def unkept(get_response):
    """No cache may keep an answer."""

    def middleware(request):
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def slowly(get_response):
    """As slow and uneven as the original: most requests near the lower bound, now and then one near the upper."""

    def middleware(request):
        time.sleep(pause_s())
        return get_response(request)

    return middleware


def pause_s():
    least, _, most = settings.SLOWNESS_MS.partition("-")
    return (float(least) + (float(most or least) - float(least)) * chance.random() ** 3) / 1000
