"""Requests to sources with access control, against real servers that check them."""

import base64
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature
from http_message_signatures.resolvers import MappingKeyResolver
from pytest_httpserver import HTTPServer
from werkzeug import Request as WebRequest
from werkzeug import Response as WebResponse

from qlink_ld.access.algorithms import KINDS, SIGNATURE_ALGORITHMS
from qlink_ld.access.authorization import SignatureAuth
from qlink_ld.access.bearer import BearerAuth
from qlink_ld.access.credentials import Credential
from qlink_ld.access.keys import KeyRing
from qlink_ld.config import HarvestSettings
from qlink_ld.errors import AccessRefused, SourceRefused, SourceUnavailable
from qlink_ld.http import ProviderClient
from qlink_ld.model import Auth, DataSource

MakeClient = Callable[..., ProviderClient]
Encrypt = Callable[..., str]
SECRET = "kept-from-everybody-7"


def source_at(server: HTTPServer, auth: Auth, kind: str = "ooapi") -> DataSource:
    return DataSource(id="api", type=kind, path=server.url_for("/api"), version="5", auth=auth)


class TokenEndpoint:
    """Gives tokens to one client, by Basic or in the body, and counts."""

    def __init__(self, *, by: str = "basic", expires_in: object = 3600, status: int = 200) -> None:
        self.by, self.expires_in, self.status = by, expires_in, status
        self.given: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.headers: list[str | None] = []

    def answer(self, request: WebRequest) -> WebResponse:
        self.forms.append(request.form.to_dict())
        self.headers.append(request.headers.get("Authorization"))
        known = f"Basic {base64.b64encode(b'qlink%3Aeu:pass%2Fword+%25').decode()}"
        good = (
            request.headers.get("Authorization") == known
            if self.by == "basic"
            else request.form.get("client_id") == "qlink:eu" and request.form.get("client_secret") == "pass/word %"
        )
        if not good:
            return WebResponse('{"error": "invalid_client"}', 401, content_type="application/json")
        if self.status != 200:
            return WebResponse('{"error": "invalid_scope"}', self.status, content_type="application/json")
        self.given.append(f"token-{len(self.given) + 1}")
        said = {"access_token": self.given[-1], "token_type": "bearer"}
        if self.expires_in is not None:
            said["expires_in"] = self.expires_in  # type: ignore[assignment]  # some servers write text
        return WebResponse(str(said).replace("'", '"'), content_type="application/json")


def bearer(server: HTTPServer, endpoint: TokenEndpoint) -> tuple[Auth, Credential]:
    server.expect_request("/token", method="POST").respond_with_handler(endpoint.answer)
    url = server.url_for("/token")
    return Auth("oauth2.0", token_endpoint=url), Credential(url, "qlink:eu", "pass/word %", institution="NL0028")


# any scheme with any type ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["elm", "ooapi", "edu-api", "occapi"])
@pytest.mark.parametrize("scheme", ["none", "httpheader", "oauth2.0", "httpsig"])
def test_a_01_every_scheme_goes_with_every_type(
    server: HTTPServer, make_client: MakeClient, encrypt: Encrypt, scheme: str, kind: str
) -> None:
    oauth, credential = bearer(server, TokenEndpoint())
    auths = {
        "none": Auth(),
        "httpheader": Auth("httpheader", header="X-Api-Key", value=encrypt(SECRET.encode())),
        "oauth2.0": oauth,
        "httpsig": Auth("httpsig"),
    }
    proofs: dict[str, Callable[[dict[str, str]], bool]] = {
        "none": lambda headers: not headers.keys() & {"Authorization", "Signature", "X-Api-Key"},
        "httpheader": lambda headers: headers["X-Api-Key"] == SECRET,
        "oauth2.0": lambda headers: headers["Authorization"] == "Bearer token-1",
        "httpsig": lambda headers: "Signature" in headers,
    }
    server.expect_request("/api").respond_with_data("[]")
    source = source_at(server, auths[scheme], kind)
    client = make_client(credential)
    for _ in range(2):  # page 2 as well
        client.get(source.path, source=source)
    asked = [dict(request.headers) for request, _ in server.log if request.path == "/api"]
    assert len(asked) == 2
    assert all(proofs[scheme](headers) for headers in asked)


def test_a_03_the_header_wins_over_one_of_the_source(
    server: HTTPServer, make_client: MakeClient, encrypt: Encrypt
) -> None:
    server.expect_request("/api").respond_with_data("[]")
    auth = Auth("httpheader", header="Authorization", value=encrypt(b"ApiKey 7"))
    source = replace(source_at(server, auth), headers={"authorization": "something else"})
    make_client().get(source.path, source=source)
    assert server.log[-1][0].headers.get_all("Authorization") == ["ApiKey 7"]


def test_a_08_nothing_is_asked_if_the_value_cannot_be_decrypted(server: HTTPServer, make_client: MakeClient) -> None:
    source = source_at(server, Auth("httpheader", header="X-Api-Key", value="bm90IGVuY3J5cHRlZA=="))
    with pytest.raises(
        AccessRefused, match=r"source 'api' of NL0028 is not asked: `value` was not encrypted"
    ) as caught:
        make_client().get(source.path, source=source)
    assert caught.value.code == "auth-decrypt-failed"
    assert not server.log


def test_a_source_with_access_control_is_refused_by_a_client_without_keys(server: HTTPServer) -> None:

    with (
        ProviderClient(HarvestSettings(allow_private_addresses=True)) as client,
        pytest.raises(AccessRefused, match="httpsig"),
    ):
        client.get(server.url_for("/api"), source=source_at(server, Auth("httpsig")))
    assert not server.log


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (Auth("httpheader", value="QUJD"), "needs `field` and `value`"),
        (Auth("oauth2.0"), "needs a `token_endpoint`"),
        (Auth("oauth2.0", token_endpoint="ftp://x.example/"), "needs a `token_endpoint`"),
        (Auth("oauth2.0", token_endpoint="https://x.example/"), r"add a \[\[credential\]\]"),
        (Auth("httpsig", alg="hmac-sha256"), "'hmac-sha256' is not one of ed25519"),
    ],
)
def test_what_is_missing_is_named(server: HTTPServer, make_client: MakeClient, auth: Auth, message: str) -> None:
    with pytest.raises(AccessRefused, match=message):
        make_client().get(server.url_for("/api"), source=source_at(server, auth))


# OAuth 2.0 --------------------------------------------------------------------------------------------------------


def test_a_11_id_and_secret_may_stand_in_the_manifest(
    server: HTTPServer, make_client: MakeClient, encrypt: Encrypt
) -> None:
    endpoint = TokenEndpoint()
    auth, _ = bearer(server, endpoint)
    auth = replace(auth, client_id="qlink:eu", client_secret=encrypt(b"pass/word %"), scope="courses.read")
    server.expect_request("/api", headers={"Authorization": "Bearer token-1"}).respond_with_data("[]")
    make_client().get(server.url_for("/api"), source=source_at(server, auth))
    assert endpoint.forms == [{"grant_type": "client_credentials", "scope": "courses.read"}]


def test_a_15_with_only_one_of_id_and_secret_the_operators_credentials_are_used(
    server: HTTPServer, make_client: MakeClient
) -> None:
    endpoint = TokenEndpoint()
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("[]")
    source = source_at(server, replace(auth, client_id="half"))
    make_client(credential).get(source.path, source=source)
    assert endpoint.given == ["token-1"]


def test_a_12_both_are_form_encoded_before_they_are_joined_for_basic(
    server: HTTPServer, make_client: MakeClient
) -> None:
    endpoint = TokenEndpoint(by="basic")
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("[]")
    make_client(credential).get(server.url_for("/api"), source=source_at(server, auth))
    assert endpoint.headers[0] is not None
    assert "client_secret" not in endpoint.forms[0]


def test_a_12_after_invalid_client_they_go_into_the_body(server: HTTPServer, make_client: MakeClient) -> None:
    endpoint = TokenEndpoint(by="body")
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("[]")
    make_client(credential).get(server.url_for("/api"), source=source_at(server, auth))
    assert [header is None for header in endpoint.headers] == [False, True]
    assert endpoint.given == ["token-1"]


def test_a_12_a_configured_body_is_used_at_once(server: HTTPServer, make_client: MakeClient) -> None:
    endpoint = TokenEndpoint(by="body")
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("[]")
    client = make_client(replace(credential, in_body=True))
    client.get(server.url_for("/api"), source=source_at(server, auth))
    assert endpoint.headers == [None]


def test_a_13_a_token_that_ends_is_renewed_once_and_early(server: HTTPServer, make_client: MakeClient) -> None:
    endpoint = TokenEndpoint(expires_in=100)
    _, credential = bearer(server, endpoint)
    now = [0.0]
    auth = BearerAuth(make_client(), credential, clock=lambda: now[0])

    def token() -> str:
        return next(auth.auth_flow(httpx.Request("GET", "http://x.example/"))).headers["Authorization"]

    assert token() == "Bearer token-1"
    now[0] = 49.0
    assert token() == "Bearer token-1"
    now[0] = 51.0  # 60 s early would be more than half of its life
    assert token() == "Bearer token-2"


def test_a_13_a_401_leads_to_exactly_one_retry(server: HTTPServer, make_client: MakeClient) -> None:
    endpoint = TokenEndpoint()
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("no", status=401)
    with pytest.raises(AccessRefused, match=r"answered 401: it does not take our oauth2\.0") as caught:
        make_client(credential).get(server.url_for("/api"), source=source_at(server, auth))
    assert caught.value.code == "auth-required"
    assert endpoint.given == ["token-1", "token-2"]
    assert sum(request.path == "/api" for request, _ in server.log) == 2


def test_a_13_a_token_revoked_in_mid_run_costs_no_request(server: HTTPServer, make_client: MakeClient) -> None:
    endpoint = TokenEndpoint()
    auth, credential = bearer(server, endpoint)
    revoked: set[str] = set()

    def answer(request: WebRequest) -> WebResponse:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        good = token in endpoint.given and token not in revoked
        return WebResponse("[]", 200 if good else 401)

    server.expect_request("/api").respond_with_handler(answer)
    client, source = make_client(credential), source_at(server, auth)
    for number in range(4):
        if number == 2:
            revoked.add("token-1")
        assert client.get(source.path, source=source).status == 200
    assert endpoint.given == ["token-1", "token-2"]


@pytest.mark.parametrize("lifetime", [None, "soon", -5])
def test_a_14_a_token_without_a_usable_lifetime_is_used(
    server: HTTPServer, make_client: MakeClient, lifetime: object
) -> None:
    endpoint = TokenEndpoint(expires_in=lifetime)
    auth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("[]")
    client, source = make_client(credential), source_at(server, auth)
    for _ in range(3):
        client.get(source.path, source=source)
    assert endpoint.given == ["token-1"]


def test_a_token_that_is_refused_names_the_endpoint_and_no_secret(server: HTTPServer, make_client: MakeClient) -> None:
    auth, credential = bearer(server, TokenEndpoint(status=400))
    with pytest.raises(AccessRefused, match=r"/token: the token endpoint answered 400 \(invalid_scope\)") as caught:
        make_client(credential).get(server.url_for("/api"), source=source_at(server, auth))
    assert "pass/word" not in str(caught.value)
    assert not any(request.path == "/api" for request, _ in server.log)


def test_a_token_endpoint_that_is_down_is_tried_again(server: HTTPServer, make_client: MakeClient) -> None:
    url = server.url_for("/token")
    server.expect_request("/token").respond_with_data("", status=503)
    credential = Credential(url, "qlink", "x")
    with pytest.raises(SourceUnavailable, match="/token"):
        make_client(credential).get(
            server.url_for("/api"), source=source_at(server, Auth("oauth2.0", token_endpoint=url))
        )
    assert len(server.log) == 4


# HTTP message signatures ------------------------------------------------------------------------------------------


def verify(ring: KeyRing, alg: str, request: httpx.Request, max_age: timedelta = timedelta(hours=1)) -> None:
    kind = KINDS[alg].signs_with
    assert kind is not None
    keys = {key["keyid"]: key["pem"].encode() for key in ring.describe()["keys"]}
    verifier = HTTPMessageVerifier(
        signature_algorithm=kind, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
    )
    verifier.verify(request, max_age=max_age, expect_tag="qualitylink-v1")


def as_sent(server: HTTPServer) -> httpx.Request:
    request, _ = server.log[-1]
    return httpx.Request(request.method, request.url, headers=list(request.headers.items()))


@pytest.mark.parametrize("alg", SIGNATURE_ALGORITHMS)
def test_a_16_and_a_19_a_verifier_with_the_public_key_accepts_each_algorithm(
    server: HTTPServer, make_client: MakeClient, ring: KeyRing, alg: str
) -> None:
    server.expect_request("/api").respond_with_data("[]")
    make_client().get(server.url_for("/api"), source=source_at(server, Auth("httpsig", alg=alg)))
    sent = as_sent(server)
    assert f'alg="{alg}"' in sent.headers["Signature-Input"]
    verify(ring, alg, sent)


def test_a_16_a_changed_byte_is_noticed(server: HTTPServer, make_client: MakeClient, ring: KeyRing) -> None:
    server.expect_request("/api").respond_with_data("[]")
    make_client().get(server.url_for("/api"), source=source_at(server, Auth("httpsig")))
    sent = as_sent(server)
    verify(ring, "ed25519", sent)
    label, _, value = sent.headers["Signature"].partition("=:")
    signature = bytearray(base64.b64decode(value.rstrip(":")))
    signature[3] ^= 1
    sent.headers["Signature"] = f"{label}=:{base64.b64encode(signature).decode()}:"
    with pytest.raises(InvalidSignature):
        verify(ring, "ed25519", sent)


def test_a_20_the_signature_base_is_as_rfc_9421_writes_it(ring: KeyRing) -> None:
    key = ring.of("ed25519")[0]
    request = httpx.Request("GET", "https://API.Uni-X.example:443/courses?pageNumber=2")
    next(SignatureAuth(key, lambda: datetime(2026, 1, 1, tzinfo=UTC)).auth_flow(request))
    parameters = request.headers["Signature-Input"].partition("=")[2]
    assert parameters == (
        f'("@authority");created=1767225600;keyid="{key.keyid}";alg="ed25519";expires=1767225900;tag="qualitylink-v1"'
    )
    base = f'"@authority": api.uni-x.example\n"@signature-params": {parameters}'
    signature = base64.b64decode(request.headers["Signature"].partition("=:")[2].rstrip(":"))
    key.private.public_key().verify(signature, base.encode())  # type: ignore[call-arg]  # raises


def test_a_20_a_port_that_is_not_the_usual_one_is_signed(ring: KeyRing) -> None:
    key = ring.of("ed25519")[0]
    request = httpx.Request("GET", "http://uni-x.example:8080/")
    next(SignatureAuth(key).auth_flow(request))
    parameters = request.headers["Signature-Input"].partition("=")[2]
    base = f'"@authority": uni-x.example:8080\n"@signature-params": {parameters}'
    signature = base64.b64decode(request.headers["Signature"].partition("=:")[2].rstrip(":"))
    key.private.public_key().verify(signature, base.encode())  # type: ignore[call-arg]  # raises


def test_a_18_an_algorithm_that_is_not_asymmetric_is_an_issue_and_nothing_is_asked(
    server: HTTPServer, make_client: MakeClient
) -> None:
    with pytest.raises(AccessRefused) as caught:
        make_client().get(server.url_for("/api"), source=source_at(server, Auth("httpsig", alg="hmac-sha256")))
    assert caught.value.code == "auth-algorithm-unknown"
    assert not server.log


@pytest.mark.parametrize(("status", "code"), [(400, "auth-malformed"), (401, "auth-required"), (403, "auth-refused")])
def test_a_21_each_refusal_has_a_code_of_its_own(
    server: HTTPServer, make_client: MakeClient, status: int, code: str
) -> None:
    server.expect_request("/api").respond_with_data("no", status=status)
    with pytest.raises(AccessRefused, match=str(status)) as caught:
        make_client().get(server.url_for("/api"), source=source_at(server, Auth("httpsig")))
    assert caught.value.code == code


# Redirects and secrecy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["httpheader", "oauth2.0", "httpsig"])
def test_a_22_nothing_that_proves_us_goes_to_another_origin(
    server: HTTPServer, make_client: MakeClient, encrypt: Encrypt, scheme: str
) -> None:
    oauth, credential = bearer(server, TokenEndpoint())
    auth = {
        "httpheader": Auth("httpheader", header="X-Api-Key", value=encrypt(SECRET.encode())),
        "oauth2.0": oauth,
        "httpsig": Auth("httpsig"),
    }[scheme]
    with HTTPServer(host="127.0.0.1", port=0) as other:
        other.expect_request("/there").respond_with_data("[]")
        server.expect_request("/api").respond_with_data("", status=302, headers={"Location": "/inside"})
        server.expect_request("/inside").respond_with_data(
            "", status=302, headers={"Location": other.url_for("/there")}
        )
        make_client(credential).get(server.url_for("/api"), source=source_at(server, auth))
        theirs = other.log[-1][0].headers
    ours = [request.headers for request, _ in server.log if request.path in ("/api", "/inside")]
    proof = {"httpheader": "X-Api-Key", "oauth2.0": "Authorization", "httpsig": "Signature"}[scheme]
    assert len(ours) == 2
    assert all(proof in headers for headers in ours)
    assert not {"Authorization", "Signature", "Signature-Input", "X-Api-Key"} & set(theirs.keys())


def test_a_10_secrets_are_in_no_log_and_no_message(
    server: HTTPServer, make_client: MakeClient, encrypt: Encrypt, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = TokenEndpoint()
    oauth, credential = bearer(server, endpoint)
    server.expect_request("/api").respond_with_data("no", status=403)
    header = Auth("httpheader", header="X-Api-Key", value=encrypt(SECRET.encode()))
    said = []
    for auth in (oauth, header):
        client = make_client(credential)
        with pytest.raises(SourceRefused) as caught:
            client.get(server.url_for("/api"), source=source_at(server, auth))
        said += [str(caught.value), repr(caught.value), repr(auth), repr(credential), repr(client)]
    shown = caplog.text + "".join(said)
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in shown
    for secret in (SECRET, "pass/word", "token-1", header.value or "-"):
        assert secret not in shown


def test_tokens_are_fetched_once_for_many_requests_at_once(server: HTTPServer, make_client: MakeClient) -> None:
    from concurrent.futures import ThreadPoolExecutor

    endpoint = TokenEndpoint()
    auth, credential = bearer(server, endpoint)

    def answer(_: WebRequest) -> WebResponse:
        time.sleep(0.02)
        return WebResponse("[]")

    server.expect_request("/api").respond_with_handler(answer)
    client, source = make_client(credential), source_at(server, auth)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(source.path, source=source).status, range(24)))
    assert answers == [200] * 24
    assert endpoint.given == ["token-1"]
