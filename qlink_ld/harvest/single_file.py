"""What does a source say that is one file? One GET, or one file of the operator's.

Of JSON, XML, CSV and spreadsheets in a university's own form. What is in them is for the mapping to say; here only
whether they are that at all, so that a login page never replaces yesterday's courses. Source: DESIGN §8.
"""

from typing import Final
from urllib.parse import urlsplit

from qlink_ld.document_kind import explain_contradiction, named_kind
from qlink_ld.errors import UnusableResponse
from qlink_ld.harvest.visit import Visit
from qlink_ld.http import Response, read_file_url
from qlink_ld.model import Issue

_ACCEPT: Final = {
    "json": "application/json, */*;q=0.1",
    "xml": "application/xml, text/xml;q=0.9, */*;q=0.1",
    "csv": "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;q=0.9, "
    "text/tab-separated-values;q=0.8, */*;q=0.1",
}


class FileHarvester:
    """Harvests a source of type "json", "xml" or "csv"."""

    def fetch(self, visit: Visit) -> None:
        """Fetch the file into the snapshot, as one page with the resource "data".

        Raises:
            SourceUnavailable: no such file, no connection, time-out. Try later.
            SourceRefused: 4xx or an address that is not allowed.
            UnusableResponse: empty, too large, a web page, or plainly of another type than the source.
        """
        source = visit.source
        response = fetch_file(visit, _ACCEPT[source.type])
        if reason := explain_contradiction(response.body, source.type):
            raise UnusableResponse(f"{response.url}: {reason}")
        said = named_kind(source.content_type or response.media_type)
        if said not in (None, source.type):
            visit.report(
                Issue(
                    "content-type-differs",
                    f"The file is called {source.content_type or response.media_type}, and is read as the "
                    f"{source.type} that the source says it is. Ask the provider to correct its Content-Type.",
                    "info",
                    source.id,
                    position=response.url,
                )
            )
        visit.writer.add("data", response)
        visit.progress(1, 1)


def fetch_file(visit: Visit, accept: str) -> Response:
    """Return the answer of a source that is one file.

    Raises:
        UnusableResponse: there is nothing in it.
    """
    source = visit.source
    if urlsplit(source.path).scheme == "file":
        response = read_file_url(source.path, visit.client.settings.max_response_bytes)
    else:
        response = visit.client.get(source.path, accept=accept, source=source)
    if not response.body.strip():
        raise UnusableResponse(
            f"{response.url}: answered {response.status} with nothing in it; ask the provider to publish the file"
        )
    return response
