"""How do providers know that it is us? Our public keys: for people, as JSON, as PEM, and where software looks for them.

No private key is read here: `qlink-ld keys init` leaves `public.json` beside them.

Source: Data Exchange, §Access control, requirements A-02 and A-17; RFC 7517 (JWK Set); the Internet-Draft
draft-meunier-http-message-signatures-directory for the well-known address.
"""

import contextlib
import hashlib
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from qlink_ld.serve.formats import prefers_html
from qlink_ld.serve.site import site

blueprint = Blueprint("keys", __name__)

_FILE = "public.json"
_DIRECTORY = "application/http-message-signatures-directory+json"


@blueprint.get("/keys")
@blueprint.get("/keys.json")
@blueprint.get("/keys/")
def show_keys() -> Response:
    """Show how we sign requests and how a secret is encrypted for us."""
    known = _read()
    if request.path.endswith("keys.json") or not prefers_html(request):
        return _finish(Response(orjson.dumps(known, option=orjson.OPT_INDENT_2), content_type="application/json"))
    current = {key["alg"]: key for key in known["keys"] if key["status"] == "current"}
    encryption = next((key for key in current.values() if key["use"] == "encryption"), None)
    return _finish(Response(render_template("keys.html", known=known, encryption=encryption)))


@blueprint.get("/keys/<name>.pem")
def show_key(name: str) -> Response:
    """Send one public key as OpenSSL reads it; `encryption.pem` is the one that secrets are encrypted with."""
    for key in _read()["keys"]:
        if name == key["keyid"] or (name == key["use"] and key["status"] == "current" and name == "encryption"):
            return _finish(Response(key["pem"], content_type="application/x-pem-file"))
    raise NotFound(f"there is no key '{name}'; {site().base}keys lists them")


@blueprint.get("/.well-known/http-message-signatures-directory")
@blueprint.get("/.well-known/jwks.json")
def show_directory() -> Response:
    """Send the public keys that requests are signed with, as a JWK Set."""
    keys = [key["jwk"] for key in _read()["keys"] if key["use"] == "signature"]
    kind = "application/jwk-set+json" if request.path.endswith("jwks.json") else _DIRECTORY
    return _finish(Response(orjson.dumps({"keys": keys}), content_type=kind))


def _read() -> dict[str, Any]:
    """Return what `public.json` says, algorithms and keys, if there are any, and where our requests come from."""
    known: dict[str, Any] = {"tag": None, "algorithms": [], "keys": []}
    with contextlib.suppress(FileNotFoundError):
        known = orjson.loads((site().config.keys_dir / _FILE).read_bytes())
    return {**known, "addresses": list(site().config.access.addresses)}


def _finish(response: Response) -> Response:
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "public, max-age=300"
    response.vary.add("Accept")
    response.make_conditional(request)
    return response
