"""The application: mails are sent by a job."""

import django_rq
from django.core import mail


@django_rq.job
def welcome(address: str) -> None:
    mail.send_mail("Welcome", "Nice to see you.", "us@example.com", [address])
