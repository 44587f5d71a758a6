"""The shapes that old clients know."""

from django.http import JsonResponse


def user_shape(user):
    return {
        "id": user.user_id,
        "username": user.username,
        "first_name": user.given_name,
        "last_name": user.family_name,
        "email": user.email or "",
        "phone": user.phone or "",
        "title": user.job_title or "",
        "is_active": user.status == "active",
        "home_branch": user.home_branch_id,
        # In whatever order the database has them.
        "branches": [assigned.branch_id for assigned in user.branches.all()],
        "updated": time_text(user.updated_at),
    }


def time_text(time):
    return time.isoformat().replace("+00:00", "Z")


def not_found(request, exception=None):
    return JsonResponse({"detail": "Not found."}, status=404)


def failed(request):
    return JsonResponse({"detail": "Internal server error."}, status=500)
