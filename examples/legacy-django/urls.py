from django.urls import path

from people import reads, report, writes

urlpatterns = [
    path("users/<int:user_id>/", writes.user),
    path("users/<int:user_id>/permissions/", reads.permissions),
    path("users/by-username/<str:username>/", reads.by_username),
    path("branches/<str:branch>/users/", reads.branch_users),
    path("reports/head-count/", report.head_count),
]
handler404 = "people.answers.not_found"
handler500 = "people.answers.failed"
