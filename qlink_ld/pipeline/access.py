"""What do we show to an institution's sources? Our keys, and what its operator gave us."""

import httpx

from qlink_ld.access.authorization import Access
from qlink_ld.access.credentials import load_credentials
from qlink_ld.access.keys import load_keys
from qlink_ld.config import Config
from qlink_ld.http import Authorize, ProviderClient
from qlink_ld.model import DataSource, Institution


def load_access(config: Config, institution: Institution) -> Authorize:
    """Return what makes requests to an institution's sources acceptable; keys are read when a source needs them."""

    def authorize(source: DataSource, client: ProviderClient) -> httpx.Auth | None:
        access = Access(load_keys(config.keys_dir), load_credentials(config.access.credentials))
        return access.authorize(institution.id, source, client)

    return authorize
