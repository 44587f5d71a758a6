from django.urls import path

from people.views_orm import UserView

urlpatterns = [path("v1/users/<int:user_id>", UserView.as_view())]
