"""Where the client service answers: what it passes on, and one page that asks for a user."""

from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Protected(APIView):
    """Whoever gets this is signed in."""

    def get(self, request):
        return Response("success")


urlpatterns = [
    path("auth/", include("easyjwt_client.urls")),
    path("api/test/", Protected.as_view()),
]
