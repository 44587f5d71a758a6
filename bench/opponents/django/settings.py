"""As little of Django as answers the request: no middleware, no sessions, no translations, no logging of requests."""

import os

ENTITY_TAG_START = os.environ["ENTITY_TAG_START"]
USER_KEY_PREFIX = os.environ["USER_KEY_PREFIX"]

SECRET_KEY = "nothing here is signed"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = f"urls_{os.environ['VIEWS']}"
INSTALLED_APPS = ["people"]
MIDDLEWARE = []
USE_I18N = False
USE_TZ = False
LOGGING_CONFIG = None

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"file:{os.environ['DATABASE_PATH']}?mode=ro",
        # A connection a thread, for as long as the process lives; the same cache as the service gives SQLite.
        "CONN_MAX_AGE": None,
        "OPTIONS": {"uri": True, "init_command": "PRAGMA cache_size = -32768; PRAGMA mmap_size = 268435456"},
    }
}

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        # RESP2 and hiredis' parser: the cheapest that redis-py has.
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"protocol": 2}},
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["people.rest.Utf8JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "people.rest.OneRenderer",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
