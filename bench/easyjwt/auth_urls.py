"""Paths of the authentication service."""

from django.urls import include, path

urlpatterns = [
    path("auth/", include("easyjwt_auth.urls")),
    path("auth/", include("easyjwt_user.urls")),
]
