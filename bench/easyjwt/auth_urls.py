"""Where the authentication service answers."""

from django.urls import include, path

urlpatterns = [
    path("auth/", include("easyjwt_auth.urls")),
    path("auth/", include("easyjwt_user.urls")),
]
