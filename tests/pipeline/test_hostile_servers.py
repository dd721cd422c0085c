"""Servers that fail, lie and attack, each an institution of one run: each ends as it should and costs no other."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.access.keys import load_keys

from .conftest import write_courses

HEAD = '[harvest]\nallow_addresses = ["127.0.0.1"]\ntimeout_s = 1\n'


class World:
    """All servers at one address. While it is good they all answer well; then each shows what it is."""

    def __init__(self, server: HTTPServer) -> None:
        self.server, self.good = server, True
        self.tokens = 0
        self.public: dict[str, bytes] = {}
        for name in ("fine", "slow", "liar", "private", "token", "signed"):
            server.expect_request(f"/{name}.ttl").respond_with_handler(getattr(self, name))
        for name in ("cut", "endless"):
            server.expect_request(f"/{name}/courses").respond_with_handler(getattr(self, name))
        server.expect_request("/token", method="POST").respond_with_handler(self.give_token)

    def turtle(self, *keys: str, status: int = 200) -> Response:
        return Response(write_courses(keys), status, content_type="text/turtle")

    def fine(self, _: Request) -> Response:
        return self.turtle("fine", *(() if self.good else ("new",)))

    def slow(self, _: Request) -> Response:
        time.sleep(0 if self.good else 1.5)
        return self.turtle("slow")

    def liar(self, _: Request) -> Response:
        page = b"<!doctype html><title>Log in</title>"
        return self.turtle("liar") if self.good else Response(page, 200, content_type="text/turtle")

    def private(self, request: Request) -> Response:
        if self.good:
            return self.turtle("private")
        there = self.server.url_for("/fine.ttl").replace("localhost", "127.0.0.1").replace("127.0.0.1", "127.0.0.2")
        return Response("", 302, {"Location": there})

    def token(self, request: Request) -> Response:
        if not self.good and self.tokens < 2:  # the token of the first run has ended meanwhile
            return Response("", 401)
        good = request.headers.get("Authorization") == f"Bearer t{self.tokens}"
        return self.turtle("token") if good else Response("", 401)

    def give_token(self, _: Request) -> Response:
        self.tokens += 1
        return Response(
            json.dumps({"access_token": f"t{self.tokens}", "expires_in": 1}), content_type="application/json"
        )

    def signed(self, request: Request) -> Response:
        if not self.good:  # a byte of what was signed is changed on its way
            request.environ["HTTP_HOST"] = "another.example"
        keys = MappingKeyResolver(public_keys=self.public, private_keys={})
        verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys)
        try:
            verifier.verify(request, expect_tag="qualitylink-v1")
        except HTTPMessageSignaturesException:
            return Response("", 403)
        return self.turtle("signed")

    def cut(self, request: Request) -> Response:
        page = int(request.args["pageNumber"])
        body = json.dumps({"items": [course(f"c{page}")], "hasNextPage": page < 8, "totalPages": 8}).encode()
        if not self.good and page == 7:
            return Response(body[: len(body) // 2], content_type="application/json")
        return Response(body, content_type="application/json")

    def endless(self, request: Request) -> Response:
        page = int(request.args["pageNumber"]) if self.good else 1
        return Response(json.dumps({"items": [course(f"e{page}")], "hasNextPage": page < 2 or not self.good}))


def course(key: str) -> dict[str, object]:
    return {"courseId": key, "name": [{"language": "en", "value": f"Course {key}"}]}


@pytest.fixture
def world() -> Iterator[World]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield World(server)


def test_each_hostile_server_ends_as_it_should_and_nothing_published_is_lost(deployment: Any, world: World) -> None:
    deployment.head = HEAD
    assert deployment.command("keys", "init").returncode == 0
    key = load_keys(deployment.data / "keys").of("ed25519")[0]
    world.public[key.keyid] = key.public_pem.encode()
    credentials = deployment.write(
        "secrets.toml",
        f'[[credential]]\ntoken_endpoint = "{world.server.url_for("/token")}"\nclient_id = "q"\nclient_secret = "s"\n',
    )
    credentials.chmod(0o600)
    deployment.head += f'[access]\ncredentials = "{credentials}"\n'
    auth = {
        "token": f'auth = {{ type = "oauth2.0", token_endpoint = "{world.server.url_for("/token")}" }}',
        "signed": 'auth = { type = "httpsig", alg = "ed25519" }',
    }
    for name in ("fine", "slow", "liar", "private", "token", "signed"):
        lines = f'type = "elm"\nversion = "3.3"\npath = "{world.server.url_for(f"/{name}.ttl")}"\n{auth.get(name, "")}'
        deployment.add(name, lines)
    for name in ("cut", "endless"):
        path = world.server.url_for(f"/{name}/")
        deployment.add(name, f'type = "ooapi"\nversion = "5"\npath = "{path}"', settings='on_violation = "publish"')
    first = {report.institution: report for report in deployment.run().reports}
    assert {name: report.error for name, report in first.items() if report.error} == {}
    before = deployment.released()
    assert before == dict.fromkeys(("fine", "slow", "liar", "private", "token", "signed"), 1) | {"cut": 8, "endless": 2}

    world.good = False
    started = time.monotonic()
    second = {report.institution: report for report in deployment.run().reports}
    assert time.monotonic() - started < 60
    assert deployment.released() == before | {"fine": 2}
    reasons = {
        "slow": "no complete answer within timeout_s = 1 s",
        "liar": "a web page, not a file of ELM data",
        "private": "127.0.0.2",
        "signed": "answered 403",
    }
    for name, reason in reasons.items():
        assert second[name].status == "failed"
        assert reason in (second[name].error or ""), name
    assert second["fine"].status == "published"
    assert second["token"].status == "unchanged"
    assert second["cut"].status == "held"
    assert any("page 7 of courses" in issue.message for issue in second["cut"].issues)
    assert second["endless"].status == "held"
    assert any(issue.code == "page-repeated" for issue in second["endless"].issues)
    assert any(issue.code == "auth-refused" for issue in second["signed"].issues)
