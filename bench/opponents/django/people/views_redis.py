from django.conf import settings
from django_redis import get_redis_connection

from people import answers

redis = get_redis_connection("default")


def get_user(request, user_id):
    """The stored bytes as they are: django-redis' own `cache.get` would want a pickle, and prefix the key."""
    version, body = redis.hmget(f"{settings.USER_KEY_PREFIX}{user_id}", "v", "b")
    if not version or not body:
        return answers.not_found(request, user_id)
    tag = answers.entity_tag(version.decode())
    if answers.matches(request, tag):
        return answers.not_modified(request, tag, "redis")
    return answers.found(request, tag, "redis", body)
