from django.urls import path

from people.views_redis import get_user

urlpatterns = [path("v1/users/<int:user_id>", get_user)]
