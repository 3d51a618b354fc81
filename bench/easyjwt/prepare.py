"""Creates the database of the service that DJANGO_SETTINGS_MODULE names, and a user if EMAIL and PASSWORD are set."""

import os

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command

call_command("migrate", verbosity=0)
if "EMAIL" in os.environ:
    user = get_user_model().objects.create_user(os.environ["EMAIL"], os.environ["PASSWORD"])
    # The hasher and its cost, which the comparison of log-ins depends on.
    algorithm, cost, *_ = user.password.split("$")
    print(algorithm, cost)
