from datetime import UTC, datetime

from django.http import JsonResponse
from django.views.decorators.http import require_safe

from people.answers import not_found, time_text, user_shape
from people.models import RolePermission, User, UserBranch


@require_safe
def by_username(request, username):
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        return not_found(request)
    return JsonResponse({**user_shape(user), "generated_at": time_text(datetime.now(UTC))})


@require_safe
def permissions(request, user_id):
    user = User.objects.filter(user_id=user_id).first()
    if user is None:
        return not_found(request)
    branch = request.GET.get("branch") or None
    held = held_permissions(user, branch) if user.status == "active" else {}
    return JsonResponse({"user": user.user_id, "branch": branch, "permissions": held})


def held_permissions(user, branch):
    held = {}
    works_at = [assigned.branch_id for assigned in user.branches.all()]
    for grant in user.roles.order_by("role", "branch_id"):
        if grant.branch_id is not None and (grant.branch_id != branch or branch not in works_at):
            continue
        # One query a role.
        for one in RolePermission.objects.filter(role=grant.role):
            held[one.permission] = one.effect
    return held


@require_safe
def branch_users(request, branch):
    members = []
    for assigned in UserBranch.objects.filter(branch_id=branch):
        # One query a user.
        user = assigned.user
        if user.status == "active":
            members.append(user)
    # By code points: Ó after Z.
    members.sort(key=lambda user: user.family_name)
    return JsonResponse([member_shape(user) for user in members], safe=False)


def member_shape(user):
    return {
        "id": user.user_id,
        "username": user.username,
        "first_name": user.given_name,
        "last_name": user.family_name,
        "title": user.job_title or "",
    }
