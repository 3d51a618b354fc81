"""django-easyjwt's authentication service."""

from datetime import timedelta

from common import *

INSTALLED_APPS += ["easyjwt_auth"]
ROOT_URLCONF = "auth_urls"
DATABASES = database("auth")
REST_FRAMEWORK = rest_framework("easyjwt_auth.authentication.JWTAuthentication")

EASY_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    # One token lasts for the whole run.
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "AUTH_TOKEN_CLASSES": ("easyjwt_auth.tokens.AccessToken",),
}
