"""An application as they were written ten years ago. It owns nothing: the tables are shared with the service."""

import os

# Nothing is signed: there are no sessions.
SECRET_KEY = "nothing here is signed"
DEBUG = False
# It stands behind the service, which hands the client's own Host on.
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
APPEND_SLASH = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["people"]
MIDDLEWARE = [
    "people.manners.unkept",
    "people.manners.slowly",
    "django.middleware.common.CommonMiddleware",
]
USE_I18N = False
USE_TZ = True
LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"django.request": {"level": "ERROR"}}}

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DATABASE_PATH"],
        # A connection a thread, for as long as the process lives.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Seconds that a writer waits for another one.
            "timeout": 5,
            # Who reads first and writes later would be refused at once when somebody else writes in between.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
        },
    }
}

# "5-60": a pause of 5 to 60 ms in each request, mostly short ones; "0": none.
SLOWNESS_MS = os.environ.get("LEGACY_SLOWNESS_MS", "5-60")
SLOWNESS_SEED = int(os.environ.get("LEGACY_SEED", "1"))
