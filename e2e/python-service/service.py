"""A service in Python that identifies callers with the public keys of auth-graph, without a call for each request.

Run it with `AUTH_URL=http://127.0.0.1:8000 uvicorn service:app`. With CLIENT_ID and CLIENT_SECRET of a service client that
may read the feed, it has a copy of every user, and rejects ended sessions at once.
"""

import asyncio
import os
from contextlib import asynccontextmanager
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from feed import Feed

ISSUER = os.environ["AUTH_URL"]
AUDIENCE = os.environ.get("AUDIENCE", "graph")
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "client_id"]

# Keys are fetched when one is unknown, and kept for as long as auth-graph allows.
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json", lifespan=300, timeout=5)
bearer = HTTPBearer(auto_error=False)
feed = None
if "CLIENT_ID" in os.environ:
    feed = Feed(ISSUER, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], os.environ.get("DATABASE", "users.sqlite"))


@asynccontextmanager
async def following(_):
    """Follows the feed while the service runs."""
    task = asyncio.create_task(feed.run()) if feed else None
    yield
    if task:
        task.cancel()


app = FastAPI(lifespan=following)


def refused(status, code, message):
    """Returns an error with a code of auth-graph."""
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return HTTPException(status, {"code": code, "message": message}, headers=challenge)


def verified(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]):
    """Returns the claims of the access token. A request without a valid token ends here."""
    if credentials is None:
        raise refused(401, "UNAUTHENTICATED", "Sign in first.")
    token = credentials.credentials
    try:
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        key = keys.get_signing_key_from_jwt(token)
        # The algorithm is that of the key, and never that of the token.
        algorithms = [key.algorithm_name]
        options = {"require": REQUIRED}
        claims = jwt.decode(token, key, algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER, options=options)
    except jwt.PyJWKClientConnectionError:
        raise refused(503, "UNAVAILABLE", "The keys cannot be fetched.") from None
    except jwt.ExpiredSignatureError:
        raise refused(401, "TOKEN_EXPIRED", "The token has expired.") from None
    except jwt.PyJWTError:
        raise refused(401, "TOKEN_INVALID", "The token is invalid.") from None
    if feed and feed.has_ended(claims):
        raise refused(401, "TOKEN_REVOKED", "The token has been revoked.")
    return claims


Claims = Annotated[dict, Depends(verified)]


def scope(wanted):
    """Returns a dependency that requires a scope."""

    def check(claims: Claims):
        if wanted not in claims.get("scope", "").split():
            raise refused(403, "FORBIDDEN", "You may not do this.")
        return claims

    return Depends(check)


@app.get("/health")
def health():
    """Answers that the service is running."""
    return "ok"


@app.get("/ready")
def ready():
    """Answers whether the copy of the users is up to date."""
    if feed and not feed.current.is_set():
        raise refused(503, "UNAVAILABLE", "The feed is not followed yet.")
    return "ok"


@app.get("/me")
def me(claims: Claims):
    """Returns the caller and their session."""
    return {"subject": claims["sub"], "session": claims["sid"]}


@app.get("/reports")
def reports(claims: Annotated[dict, scope("users:read")]):
    """Returns data for callers who may see users."""
    return {"for": claims["sub"]}


@app.get("/users/{subject}")
def user(subject: str, _: Annotated[dict, scope("users:read")]):
    """Returns a user from the copy, even one who never visited this service."""
    row = feed.user(subject) if feed else None
    if row is None:
        raise refused(404, "NOT_FOUND", "There is no such user.")
    return {"email": row[0], "name": row[1]}
