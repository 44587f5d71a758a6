"""What the OpenAPI document cannot say, for schemathesis."""

import re

import schemathesis

WELL_FORMED_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,1024}")


@schemathesis.hook
def before_call(context, case, kwargs):
    """A cursor is opaque: one that is made up is refused, rightly, however well-formed. Real ones are followed in test/api."""
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and WELL_FORMED_CURSOR.fullmatch(cursor):
        del case.query["cursor"]
