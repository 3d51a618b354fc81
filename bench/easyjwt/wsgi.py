"""What gunicorn runs; DJANGO_SETTINGS_MODULE says which of the two services it is."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
