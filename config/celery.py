"""The Celery application: jobs and their schedule, configured by the Django settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yingda", task_cls="tenants.tasks_base:TenantTask")
# Celery's current app is a thread-local: without a default, a job queued from another thread of
# the web process would go to a nameless app with a broker on localhost.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
