"""schemathesis makes up operations from the schemas of both services, and sends them signed in and not.

Whatever they are: no answer is a fault of the service, and every error has a code of the published enum. The examples are
the same in each run.
"""

import os
from pathlib import Path

import graphql
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
URLS = {name: os.environ[name] + "/graphql" for name in ("AUTH_URL", "CLIENT_URL")}
SDL = Path(__file__, "../../../schema/auth.graphql").resolve().read_text()
CODES = set(graphql.build_schema(SDL, assume_valid_sdl=True).type_map["ErrorCode"].values)
# Codes for what is our own fault.
FAULTS = {"INTERNAL"}

ADMIN = {"email": "admin@test.com", "password": "admin-pass"}
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken } } }"


class Caller:
    """An administrator, who signs in again when an example has ended the session."""

    def __init__(self):
        self.token = None

    def headers(self):
        """The header that says who calls."""
        if self.token is None:
            body = {"query": LOGIN, "variables": {"input": ADMIN}}
            answer = requests.post(URLS["AUTH_URL"], json=body, timeout=30).json()
            self.token = answer["data"]["login"]["accessToken"]
        return {"Authorization": f"Bearer {self.token}"}


class Nobody:
    """Somebody who never signs in."""

    token = None

    def headers(self):
        """No header at all."""
        return {}


bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
auth_graph = schemathesis.graphql.from_url(URLS["AUTH_URL"])
client_graph = schemathesis.graphql.from_url(URLS["CLIENT_URL"])


@pytest.fixture(scope="module", params=[Nobody, Caller], ids=["nobody", "an administrator"])
def caller(request):
    """Who sends the operations."""
    return request.param()


def check(case, caller):
    """Send an example, and judge the answer."""
    answer = case.call(headers=caller.headers(), timeout=30)
    assert answer.status_code < 500, answer.text
    errors = answer.json().get("errors", [])
    codes = {error.get("extensions", {}).get("code") for error in errors}
    assert codes <= CODES - FAULTS, answer.text
    if codes & {"TOKEN_REVOKED", "TOKEN_EXPIRED"}:
        caller.token = None


@auth_graph.parametrize()
@bounded
def test_auth_graph(case, caller):
    check(case, caller)


@client_graph.parametrize()
@bounded
def test_client_graph(case, caller):
    check(case, caller)
