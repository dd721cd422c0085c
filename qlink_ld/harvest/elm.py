"""What does a static ELM file say? One GET, or one file of the operator's.

Source: Data Exchange, §Static ELM File; requirements E-01 to E-03.
"""

import re

from qlink_ld.errors import UnusableResponse
from qlink_ld.harvest.single_file import fetch_file
from qlink_ld.harvest.visit import Visit

ACCEPT = (
    "text/turtle, application/rdf+xml;q=0.9, application/ld+json;q=0.9, application/n-triples;q=0.8, "
    "application/n-quads;q=0.8, application/trig;q=0.8, */*;q=0.1"
)
_HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE)


class ElmHarvester:
    """Harvests a source of type "elm"."""

    def fetch(self, visit: Visit) -> None:
        """Fetch the file into the snapshot, as one page with the resource "data".

        Raises:
            SourceUnavailable: no such file, no connection, time-out. Try later.
            SourceRefused: 4xx or an address that is not allowed.
            UnusableResponse: empty, too large, or a web page.
        """
        response = fetch_file(visit, ACCEPT)
        if _HTML.match(response.body[:4096]):
            raise UnusableResponse(
                f"{response.url}: a web page, not a file of ELM data (often a login page); check `path` of the source"
            )
        visit.writer.add("data", response)
        visit.progress(1, 1)
