"""Users of other systems, made by their own software.

`hashes` prints users with password hashes of Django, libpass and Werkzeug, one JSON object a line. `easyjwt DATABASE` makes
the database of a django-easyjwt authentication service. `client URL EMAIL` signs in there with django-easyjwt's client, and
prints what it gets.
"""

import json
import sys

import django
from django.conf import settings
from django.core.management import call_command

PASSWORD = "pässword of Ada's"
HASHERS = ["PBKDF2", "PBKDF2SHA1", "Scrypt", "Argon2", "BCryptSHA256", "BCrypt"]

settings.configure(
    SECRET_KEY="only for tests, and longer than any key needs to be",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[-1]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "easyjwt_user"],
    AUTH_USER_MODEL="easyjwt_user.User",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher" for name in HASHERS],
    EASY_JWT={"REMOTE_AUTH_SERVICE_URL": sys.argv[-2]},
    USE_TZ=True,
)
django.setup()


def hashes():
    from django.contrib.auth.hashers import make_password
    from passlib import hash as libpass
    from werkzeug.security import generate_password_hash

    for name in ["pbkdf2_sha256", "pbkdf2_sha1", "scrypt", "argon2", "bcrypt_sha256"]:
        yield f"django.{name}", make_password(PASSWORD, hasher=name)
    for name in ["pbkdf2_sha256", "pbkdf2_sha512", "bcrypt_sha256", "argon2", "scrypt"]:
        yield f"libpass.{name}", getattr(libpass, name).hash(PASSWORD)
    for name in ["scrypt", "pbkdf2"]:
        yield f"werkzeug.{name}", generate_password_hash(PASSWORD, method=name)


def easyjwt():
    from django.contrib.auth import get_user_model

    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    users.create_user(email="first@example.com", password="not asked for").delete()
    users.create_superuser(email="root@example.com", password=PASSWORD, first_name="Root")
    users.create_user(email="ada@example.com", password=PASSWORD, first_name="Ada", last_name="Lovelace")
    users.create_user(email="gone@example.com", password=PASSWORD, is_active=False)


def client(email):
    from easyjwt_client.utils import TokenManager

    manager = TokenManager()
    pair = manager.authenticate(create_local_user=False, email=email, password=PASSWORD)
    renewed = manager.refresh(pair["refresh"])
    return {"verified": manager.verify(renewed["access"]), **renewed}


if sys.argv[1] == "client":
    print(json.dumps(client(sys.argv[-1])))
elif sys.argv[1] == "hashes":
    for name, text in hashes():
        print(json.dumps({"email": f"{name}@example.com", "passwordHash": text}))
else:
    easyjwt()
