"""What the OpenAPI document cannot say, for schemathesis; and what schemathesis does not read in it."""

import re

import schemathesis
from schemathesis.generation import GenerationMode

WELL_FORMED_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,1024}")
VERSIONS_SEEN = re.compile(r"user=\d{1,16}(?:[ \t]*,[ \t]*roles=\d{1,16})?")


@schemathesis.hook
def before_call(context, case, kwargs):
    """
    A cursor is opaque: one that is made up is refused, rightly, however well-formed. Real ones are followed in test/api.

    A `Min-Version` of `0` comes as a valid case (the coverage phase of 4.32.5), although its pattern forbids it.
    """
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and WELL_FORMED_CURSOR.fullmatch(cursor):
        del case.query["cursor"]
    seen = (case.headers or {}).get("min-version")
    is_valid = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if is_valid and isinstance(seen, str) and not VERSIONS_SEEN.fullmatch(seen):
        del case.headers["min-version"]
