"""What the settings of the two services have in common: those of a new Django project, with debugging off.

Their databases and the key live in the folder that EASYJWT_DATA names, which the benchmark makes and removes.
"""

import os
from pathlib import Path

DATA = Path(os.environ["EASYJWT_DATA"])

SECRET_KEY = (DATA / "key").read_text()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "easyjwt_user.User"
WSGI_APPLICATION = "wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "easyjwt_user",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def database(name):
    """An SQLite database in the folder of this run."""
    return {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / f"{name}.sqlite3"}}


def rest_framework(authentication):
    """Every view requires a user, who is found in this way."""
    return {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_AUTHENTICATION_CLASSES": [authentication],
    }
