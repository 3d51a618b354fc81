"""schemathesis generates operations from the schemas of both services, and sends them with and without a sign-in.

No response may be an internal error, and every error must have a code of the published enum. The examples are
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
# Codes of internal errors.
FAULTS = {"INTERNAL"}

ADMIN = {"email": "admin@test.com", "password": "admin-pass"}
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken } } }"


class Caller:
    """An administrator, who signs in again when an example has ended the session."""

    def __init__(self):
        self.token = None

    def headers(self):
        """Returns the header with the access token."""
        if self.token is None:
            body = {"query": LOGIN, "variables": {"input": ADMIN}}
            answer = requests.post(URLS["AUTH_URL"], json=body, timeout=30).json()
            assert "errors" not in answer, answer
            self.token = answer["data"]["login"]["accessToken"]
        return {"Authorization": f"Bearer {self.token}"}


class Anonymous:
    """A caller who never signs in."""

    token = None

    def headers(self):
        """Returns no headers."""
        return {}


def member(pair):
    """Returns the member of an object, in the form of a document."""
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


@pytest.fixture(scope="module", params=[Anonymous, Caller], ids=["anonymous", "an administrator"])
def caller(request):
    """Returns the sender of the operations."""
    return request.param()


def check(case, caller):
    """Sends an example, and checks the response."""
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
