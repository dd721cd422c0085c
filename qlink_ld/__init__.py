"""qlink-ld: the open aggregator for European higher-education course data.

The folders of this package are the stations of a course on its way from a university's server to a SPARQL answer:
registry → discovery → harvest → mapping → enrich → validate → publish → serve.
"""

from importlib.metadata import version

__version__ = version("qlink-ld")
