"""What is signed by the standard can be checked by it, and nothing else can."""

import base64

import pytest

from tenants import webhooks
from tenants.webhooks import SignatureError

# The specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def received(**changed: str) -> dict[str, str]:
    found = webhooks.headers(SECRET, MESSAGE, BODY, at=AT)
    return {**found, **{f"webhook-{name}": value for name, value in changed.items()}}


def test_signs_as_the_specification_does() -> None:
    assert received() == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNATURE,
    }


def test_one_of_several_secrets_and_of_several_signatures_is_enough() -> None:
    several = received(signature=f"v1,AAAA v1a,BBBB {SIGNATURE}")

    found = webhooks.check([webhooks.new_secret(), SECRET], several, BODY, now=AT + 300)

    assert found == MESSAGE


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({}, BODY + b" ", AT),
        ({}, BODY, AT + 301),
        ({}, BODY, AT - 301),
        ({"id": "msg_other"}, BODY, AT),
        ({"id": ""}, BODY, AT),
        ({"timestamp": str(AT + 1)}, BODY, AT),
        ({"timestamp": "soon"}, BODY, AT),
        ({"timestamp": "-5"}, BODY, AT),
        ({"signature": ""}, BODY, AT),
        ({"signature": "v1,é"}, BODY, AT),
        ({"signature": SIGNATURE.replace("v1,", "v1a,")}, BODY, AT),
    ],
    ids=str,
)
def test_refuses_what_was_changed_or_is_old(
    changed: dict[str, str], body: bytes, now: float
) -> None:
    with pytest.raises(SignatureError):
        webhooks.check([SECRET], received(**changed), body, now=now)


@pytest.mark.parametrize(
    "secret", ["whsec_???", "whsec_", "whsec_" + base64.b64encode(bytes(23)).decode()]
)
def test_a_malformed_secret_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhooks.headers(secret, MESSAGE, BODY)


def test_new_secrets_differ_and_serve() -> None:
    one, other = webhooks.new_secret(), webhooks.new_secret()

    signed = webhooks.headers(one, MESSAGE, BODY, at=AT)

    assert one != other
    assert webhooks.check([one], signed, BODY, now=AT) == MESSAGE
