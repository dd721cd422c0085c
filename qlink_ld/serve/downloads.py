"""How are whole files read? `/downloads/{release}/…` never changes; `/downloads/latest/…` redirects to the newest."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, render_template, send_file
from werkzeug.exceptions import NotFound

from qlink_ld.serve.release import OpenRelease
from qlink_ld.serve.site import add_release_headers, release, site
from qlink_ld.store import list_releases

blueprint = Blueprint("downloads", __name__)

_YEAR_S = 365 * 24 * 3600
# The media type of the file itself, which is gzip: Content-Encoding would have clients unpack what they want to keep,
# and the checksums are those of the packed file.
_TYPES = {
    ".gz": "application/gzip",
    ".json": "application/json",
    "SHA256SUMS": "text/plain",
    ".ttl": "text/turtle",
    ".nq": "application/n-quads",
}


def _group(path: str) -> str:
    if "/" in path:
        return path.partition("/")[0]
    return "dataset" if path.startswith("all.") else "about"


@blueprint.get("/downloads/")
@blueprint.get("/downloads")
def list_downloads() -> Response:
    """List the files of the current release with sizes and checksums, and the other releases that are kept."""
    data = release()
    groups: dict[str, list[tuple[str, int | None, str]]] = {}
    for path, entry in data.downloads.items():
        size = entry.get("bytes")
        if not isinstance(size, int):
            file = data.find_download(path)
            size = file.stat().st_size if file is not None and file.is_file() else None
        groups.setdefault(_group(path), []).append((path, size, str(entry.get("sha256") or "")))
    older = [known.id for known in list_releases(site().config.data_dir) if known.id != data.id]
    first = ("dataset", "institutions")
    ordered = sorted(groups.items(), key=lambda item: (first.index(item[0]) if item[0] in first else 9, item[0]))
    page = render_template("downloads.html", groups=dict(ordered), older=older)
    return add_release_headers(Response(page))


@blueprint.get("/downloads/latest/<path:path>")
def redirect_to_latest(path: str) -> Response:
    """Send to the file of the current release."""
    data = release()
    if data.find_download(path) is None:
        raise NotFound(f"release {data.id} has no file '{path}'; {site().base}downloads/ lists them")
    target = f"{site().root}downloads/{data.id}/{quote(path)}"
    return Response(status=302, headers={"Location": target, "Cache-Control": "no-cache", "Qlink-Release": data.id})


@blueprint.get("/downloads/<name>/<path:path>")
def send_download(name: str, path: str) -> Response:
    """Send one file of a release; `Range` and `If-None-Match` work."""
    data = release()
    if name == data.id:
        return _send(data, path)
    older = next((known for known in list_releases(site().config.data_dir) if known.id == name), None)
    if older is None:
        raise NotFound(f"release {name} is not kept any more; the current one is {data.id}")
    return _send(OpenRelease(older, data.store), path)


def _send(data: OpenRelease, path: str) -> Response:
    file = data.find_download(path)
    if file is None or not file.is_file():
        raise NotFound(f"release {data.id} has no file '{path}'; {site().base}downloads/ lists them")
    digest = data.downloads.get(path, {}).get("sha256") or hashlib.sha256(f"{data.id}/{path}".encode()).hexdigest()
    response = send_file(file, mimetype=_media_type(file), etag=str(digest), conditional=True, max_age=_YEAR_S)
    response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    response.headers["Qlink-Release"] = data.id
    if file.suffix == ".gz":
        response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(data.id, path)}"'
    return response


def _file_name(release_id: str, path: str) -> str:
    name = path.replace("/", "-").replace('"', "")
    return f"{release_id}-{name}".encode("ascii", "replace").decode()


def _media_type(file: Path) -> str:
    return _TYPES.get(file.suffix) or _TYPES.get(file.name, "application/octet-stream")
