import time

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_safe

from people.manners import pause_s
from people.models import User, UserBranch

# As many rows between two pauses.
ROWS_A_CHUNK = 50


@require_safe
def head_count(request):
    """How many active people work at each branch, as CSV: slow, and sent while it is being made."""
    response = StreamingHttpResponse(rows(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="head-count.csv"'
    response.set_cookie("last_report", "head-count", max_age=86400, path="/reports/", httponly=True, samesite="Lax")
    response.set_cookie("report_format", "csv", path="/reports/")
    return response


def rows():
    yield "branch,active\r\n"
    branches = UserBranch.objects.order_by("branch_id").values_list("branch_id", flat=True).distinct()
    for number, branch in enumerate(list(branches)):
        if number % ROWS_A_CHUNK == 0:
            time.sleep(pause_s())
        # One query a branch.
        active = User.objects.filter(branches__branch_id=branch, status="active").count()
        yield f"{branch},{active}\r\n"
