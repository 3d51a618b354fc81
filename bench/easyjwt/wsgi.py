"""The application that gunicorn runs. DJANGO_SETTINGS_MODULE selects one of the two services."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
