"""Follows the change feed of auth-graph: keeps a copy of its users, and the revoked sessions and tokens.

The copy is kept in SQLite. Each page or change is stored together with its cursor, so that no change is missed when the
service stops in between. Revocations are kept in memory, because they are needed only for the lifetime of a token.
"""

import asyncio
import json
import logging
import sqlite3
from datetime import datetime, timezone

import httpx

FIELDS = "id version deletedAt isActive email firstName"
USERS = f"""query Users($after: Cursor) {{ userSnapshots(after: $after, first: 500) {{
  nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} feedCursor }} }}"""
ENDED = """query Ended($after: Cursor) { revocations(after: $after, first: 500) {
  nodes { sessionId tokenId until } pageInfo { hasNextPage endCursor } } }"""
FOLLOW = f"""subscription Follow($after: Cursor) {{ userChanges(after: $after) {{
  cursor kind user {{ {FIELDS} }} revocation {{ sessionId tokenId until }} }} }}"""


class Refused(Exception):
    """An error in the answer of auth-graph. Its argument is the code."""


class Feed:
    """The copy of the users of auth-graph. `current` is set when all changes so far have arrived."""

    def __init__(self, url, client_id, client_secret, database):
        self.url, self.client = url, (client_id, client_secret)
        self.ended = {}
        self.current = asyncio.Event()
        self.db = sqlite3.connect(database, check_same_thread=False)
        self.db.executescript(
            """CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, version INTEGER NOT NULL, email TEXT, name TEXT,
                 active INTEGER NOT NULL);
               CREATE TABLE IF NOT EXISTS feed (cursor TEXT NOT NULL);"""
        )

    def has_ended(self, claims):
        """Returns whether the token or its session was revoked."""
        until = self.ended.get(claims["sid"]) or self.ended.get(claims["jti"])
        return until is not None and until > datetime.now(timezone.utc)

    def user(self, subject):
        """Returns the address and the name of a user."""
        return self.db.execute("SELECT email, name FROM users WHERE id = ? AND active", [subject]).fetchone()

    async def run(self):
        """Follows the feed until the service stops, and starts again when the feed ends."""
        while True:
            try:
                async with httpx.AsyncClient(base_url=self.url, timeout=30) as http:
                    await self.follow(http)
            except Refused as refused:
                # After the expiry of its token, the service continues with a new one.
                if refused.args[0] in ("CURSOR_EXPIRED", "VALIDATION_FAILED"):
                    self.move(None)
            except httpx.HTTPError as error:
                logging.warning("the feed was interrupted: %s", type(error).__name__)
            self.current.clear()
            await asyncio.sleep(1)

    async def follow(self, http):
        """Fills a new copy, reads the recent revocations, and follows the changes."""
        headers = {"authorization": f"Bearer {await self.token(http)}"}
        cursor = self.db.execute("SELECT cursor FROM feed").fetchone()
        if cursor is None:
            # Changes while the pages are read come after the cursor of the first page.
            first, found = None, set()
            async for page in self.pages(http, headers, USERS, "userSnapshots"):
                first = first or page["feedCursor"]
                found.update(user["id"] for user in page["nodes"])
                self.keep(page["nodes"])
            self.forget_all_but(found)
            self.move(first)
            cursor = [first]
        async for page in self.pages(http, headers, ENDED, "revocations"):
            for revocation in page["nodes"]:
                self.end(revocation)
        async for change in self.changes(http, headers, cursor[0]):
            if change["kind"] == "CURRENT":
                self.current.set()
                continue
            self.end(change["revocation"])
            self.keep([change["user"]] if change["user"] else [], change["cursor"])

    async def token(self, http):
        """Returns an access token of this service."""
        answer = await http.post("/oauth/token", auth=self.client, data={"grant_type": "client_credentials"})
        answer.raise_for_status()
        return answer.json()["access_token"]

    async def pages(self, http, headers, query, field):
        """Yields the pages of a list."""
        after = None
        while True:
            answer = await http.post("/graphql", headers=headers, json={"query": query, "variables": {"after": after}})
            page = data_of(answer.json())[field]
            yield page
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def changes(self, http, headers, after):
        """Yields the changes of the subscription, from server-sent events."""
        headers = {**headers, "accept": "text/event-stream"}
        body = {"query": FOLLOW, "variables": {"after": after}}
        async with http.stream("POST", "/graphql", headers=headers, json=body) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield data_of(json.loads(line.removeprefix("data: ")))["userChanges"]

    def end(self, revocation):
        """Stores a revoked session or token."""
        if revocation is not None:
            now = datetime.now(timezone.utc)
            self.ended = {name: until for name, until in self.ended.items() if until > now}
            until = datetime.fromisoformat(revocation["until"].replace("Z", "+00:00"))
            self.ended[revocation["sessionId"] or revocation["tokenId"]] = until

    def keep(self, users, cursor=None):
        """Stores users and the cursor after them in one transaction. An older version of a user is ignored."""
        with self.db:
            for user in users:
                active = user["isActive"] and user["deletedAt"] is None
                self.db.execute(
                    """INSERT INTO users VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version,
                       email = excluded.email, name = excluded.name, active = excluded.active
                       WHERE excluded.version > users.version""",
                    [user["id"], user["version"], user["email"], user["firstName"], active],
                )
            if cursor is not None:
                self.move(cursor)

    def forget_all_but(self, found):
        """Deletes users who are no longer in the snapshots."""
        with self.db:
            known = {subject for (subject,) in self.db.execute("SELECT id FROM users")}
            self.db.executemany("DELETE FROM users WHERE id = ?", [[subject] for subject in known - found])

    def move(self, cursor):
        """Stores the cursor to continue from. None stands for the beginning."""
        with self.db:
            self.db.execute("DELETE FROM feed")
            if cursor is not None:
                self.db.execute("INSERT INTO feed VALUES (?)", [cursor])


def data_of(answer):
    """Returns the data of an answer, or raises its error."""
    if answer.get("errors"):
        raise Refused(answer["errors"][0]["extensions"]["code"])
    return answer["data"]
