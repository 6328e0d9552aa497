"""Django with several workers, registered once:

consul-init run -- gunicorn --workers 2 --bind 0.0.0.0:8000 django_service:application

Django refuses a Host header that it does not know, with 400. Consul's check says the host in its URL, which is the
pod's address: have it say another one, with SERVICE_CHECK_HEADERS='{"Host": "orders.example"}'. And it answers with a
redirect where a path lacks its closing slash, which Consul follows.
"""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["orders.example"],
    SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "for this example only"),
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)


def health(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def hello(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello world")


urlpatterns = [path("health/", health), path("hello", hello)]
application = get_wsgi_application()
