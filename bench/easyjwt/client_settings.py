"""A service that signs its users in with django-easyjwt's authentication service, whose address is in AUTH_URL."""

from common import *

INSTALLED_APPS += ["easyjwt_client"]
ROOT_URLCONF = "client_urls"
DATABASES = database("client")
REST_FRAMEWORK = rest_framework("easyjwt_client.authentication.EasyJWTAuthentication")

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "easyjwt_client.authentication.RemoteAuthBackend",
]

EASY_JWT = {
    "AUTH_HEADER_TYPES": ("Bearer",),
    "AUTH_HEADER_NAME": "Authorization",
    "REMOTE_AUTH_SERVICE_URL": os.environ["AUTH_URL"],
    "REMOTE_AUTH_SERVICE_TOKEN_PATH": "/auth/token/",
    "REMOTE_AUTH_SERVICE_REFRESH_PATH": "/auth/token/refresh/",
    "REMOTE_AUTH_SERVICE_VERIFY_PATH": "/auth/token/verify/",
    "REMOTE_AUTH_SERVICE_USER_PATH": "/auth/user/",
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "user_id",
}
