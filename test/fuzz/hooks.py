"""
What the OpenAPI document cannot say, for schemathesis; and what schemathesis does not read in it.

FUZZ_CALLER says who asks: `everything` may do everything, `limited` may not see what is personal and changes people of
one branch only, `nobody` shows no token.
"""

import os
import re

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

CALLER = os.environ.get("FUZZ_CALLER", "everything")
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


@schemathesis.check
def who_asks_is_told(ctx, response, case):
    """RFC 9110 section 15.5.2: an answer of 401 says how to show who one is."""
    assert response.status_code != 401 or "www-authenticate" in response.headers, "401 without WWW-Authenticate"


@schemathesis.check
def nobody_is_answered(ctx, response, case):
    """Whoever shows no token, or a made-up one, is refused before anything else of the request is looked at."""
    if CALLER != "nobody" or not case.operation.path.startswith("/v1/") or not reaches_operation(case):
        return
    assert response.status_code == 401, f"{response.status_code} to somebody without a token"


def reaches_operation(case):
    """A method that is not there, and a path that is another's, are no question that anybody would be let in for."""
    is_other_method = case.method.upper() != case.operation.method.upper()
    return not is_other_method and not (case.meta is not None and case.meta.is_negative_at(ParameterLocation.PATH))


@schemathesis.check
def personal_is_not_shown(ctx, response, case):
    """Neither in a user, nor in what other services know of them, nor in what has changed."""
    if CALLER == "everything" or not 200 <= response.status_code < 300:
        return
    try:
        body = response.json()
    except ValueError:
        return
    found = [name for one in objects_in(body) for name in personal_in(one)]
    assert not found, f"shown without users:pii: {', '.join(sorted(set(found)))}"


def objects_in(value):
    """Every object, however deep."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(inner)


def personal_in(one):
    # A branch has a telephone too; a user has a username beside it.
    names = ("email", "employeeNumber", "phone") if "username" in one else ("email", "employeeNumber")
    return [name for name in names if name in one]
