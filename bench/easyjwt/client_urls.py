"""Paths of the client service: those that it forwards, and one view for signed-in users."""

from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Protected(APIView):
    """Answers signed-in users."""

    def get(self, request):
        return Response("success")


urlpatterns = [
    path("auth/", include("easyjwt_client.urls")),
    path("api/test/", Protected.as_view()),
]
