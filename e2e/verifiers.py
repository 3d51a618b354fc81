"""Verifies tokens with another library: LIBRARY ISSUER JWKS_URL ALGORITHM, and the tokens on standard input, one per line.
Prints a list of claims in JSON, with null for a rejected token."""

import json
import secrets
import sys
import urllib.request

library, issuer, jwks_url, algorithm = sys.argv[1:]
tokens = sys.stdin.read().splitlines()
AUDIENCE = "graph"


def pyjwt():
    import jwt

    keys = jwt.PyJWKClient(jwks_url)

    def verify(token):
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=issuer)

    return verify, jwt.exceptions.PyJWTError


def joserfc():
    from joserfc import errors, jwt
    from joserfc.jwk import KeySet

    with urllib.request.urlopen(jwks_url) as answer:
        keys = KeySet.import_key_set(json.load(answer))
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )

    def verify(token):
        claims = jwt.decode(token, keys, algorithms=[algorithm]).claims
        rules.validate(claims)
        return claims

    return verify, (errors.JoseError, ValueError)


def simplejwt():
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY=secrets.token_hex(),
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        SIMPLE_JWT={"ALGORITHM": algorithm, "JWK_URL": jwks_url, "AUDIENCE": AUDIENCE, "ISSUER": issuer},
    )
    django.setup()
    from rest_framework.exceptions import AuthenticationFailed
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

    def verify(token):
        """Authenticates a request, as a protected view does."""
        request = APIRequestFactory().get("/", headers={"authorization": f"Bearer {token}"})
        user, validated = JWTStatelessUserAuthentication().authenticate(request)
        assert user.id == validated["user_id"]
        return validated.payload

    return verify, AuthenticationFailed


makers = {"PyJWT": pyjwt, "joserfc": joserfc, "djangorestframework-simplejwt": simplejwt}
verify, refusal = makers[library]()


def claims_of(token):
    try:
        return verify(token)
    except refusal:
        return None


print(json.dumps([claims_of(token) for token in tokens]))
