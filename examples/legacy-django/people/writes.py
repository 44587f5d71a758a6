import json
import re
from datetime import UTC, datetime

from django.db import transaction
from django.http import JsonResponse
from django.views.decorators.http import require_http_methods

from people.answers import not_found, user_shape
from people.models import User

# By the names that clients use: the column, what it may hold, and what is said of anything else.
FIELDS = {
    "phone": ("phone", re.compile(r"[+]?[0-9][0-9 ()./-]{1,28}[0-9]"), "Enter a valid phone number."),
    "email": (
        "email",
        re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,40}([.][A-Za-z0-9-]{1,40}){1,3}"),
        "Enter a valid email address.",
    ),
    "title": ("job_title", re.compile(r"\S|\S[^\x00-\x1f\x7f]{0,61}\S"), "Enter a valid title."),
}


@require_http_methods(["GET", "HEAD", "PATCH"])
def user(request, user_id):
    if request.method == "PATCH":
        return change(request, user_id)
    found = User.objects.filter(user_id=user_id).first()
    return JsonResponse(user_shape(found)) if found else not_found(request)


def change(request, user_id):
    try:
        given = json.loads(request.body)
    except ValueError:
        return JsonResponse({"detail": "JSON parse error."}, status=400)
    if not isinstance(given, dict):
        return JsonResponse({"detail": "Invalid data."}, status=400)
    with transaction.atomic():
        found = User.objects.filter(user_id=user_id).first()
        if found is None:
            return not_found(request)
        refusals = {field: [FIELDS[field][2]] for field in FIELDS if field in given and is_wrong(field, given[field])}
        if refusals:
            return JsonResponse(refusals, status=400)
        if found.status == "terminated":
            return JsonResponse({"detail": "This user has left."}, status=409)
        for field, (column, _, _) in FIELDS.items():
            if field in given:
                setattr(found, column, given[field] or None)
        found.updated_at = datetime.now(UTC)
        # All columns, changed or not.
        found.save()
    return JsonResponse(user_shape(User.objects.get(user_id=user_id)))


def is_wrong(field, value):
    if value is None or value == "":
        return False
    return not isinstance(value, str) or not FIELDS[field][1].fullmatch(value)
