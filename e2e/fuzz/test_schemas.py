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
from hypothesis import strategies as st
from schemathesis.graphql import nodes

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
            assert "errors" not in answer, answer
            self.token = answer["data"]["login"]["accessToken"]
        return {"Authorization": f"Bearer {self.token}"}


class Nobody:
    """Somebody who never signs in."""

    token = None

    def headers(self):
        """No header at all."""
        return {}


def member(pair):
    """A member of an object, as the document writes it."""
    name, value = pair
    return graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=value)


names = st.from_regex(r"\A[A-Za-z][A-Za-z0-9]{0,8}\Z")
leaves = st.text().map(nodes.String) | st.integers().map(nodes.Int) | st.booleans().map(nodes.Boolean)
objects = st.dictionaries(names, leaves).map(lambda found: nodes.Object([member(pair) for pair in found.items()]))
schemathesis.graphql.scalar("JSON", leaves | objects | st.lists(leaves).map(nodes.List))
schemathesis.graphql.scalar("Cursor", st.text().map(nodes.String))

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
