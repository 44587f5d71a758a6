"""What both views answer with: the headers and the problem of the service."""

import json
import re
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse

JSON_TYPE = "application/json; charset=utf-8"
TAG_START = f'"{settings.ENTITY_TAG_START}'
sane = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id_of(request):
    given = request.META.get("HTTP_X_REQUEST_ID")
    return given if given is not None and sane(given) else str(uuid4())


def entity_tag(version):
    return f'{TAG_START}{version}"'


def matches(request, tag):
    """The weak comparison of RFC 9110 section 13.1.2."""
    given = request.META.get("HTTP_IF_NONE_MATCH")
    if given is None:
        return False
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))


def found(request, tag, read_from, body):
    headers = {
        "x-request-id": request_id_of(request),
        "etag": tag,
        "read-from": read_from,
        "cache-control": "private, no-cache",
        "content-length": str(len(body)),
    }
    return HttpResponse(body, content_type=JSON_TYPE, headers=headers)


def not_modified(request, tag, read_from):
    headers = {
        "x-request-id": request_id_of(request),
        "etag": tag,
        "read-from": read_from,
        "cache-control": "private, no-cache",
    }
    response = HttpResponse(status=304, headers=headers)
    del response.headers["content-type"]
    return response


def not_found(request, user_id):
    request_id = request_id_of(request)
    problem = {
        "type": "urn:users-service:problem:user-not-found",
        "title": "Not Found",
        "status": 404,
        "code": "user-not-found",
        "detail": f"There is no user {user_id}.",
        "requestId": request_id,
    }
    body = json.dumps(problem, separators=(",", ":")).encode()
    headers = {"x-request-id": request_id, "content-length": str(len(body))}
    return HttpResponse(body, status=404, content_type="application/problem+json", headers=headers)
