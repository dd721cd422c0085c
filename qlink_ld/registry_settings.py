"""What is done with the institutions of imported registers? The part `[registry]` of the configuration."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Whom `run` harvests, besides the institutions of the configuration.

    Source: QualityLink Data Source Discovery and Access Policy, requirements D-18 and T-02: institutions that are
    listed in DEQAR or OrgReg, or hold an ECHE, are recognised; only their manifests may be looked for automatically.
    """

    harvest: Literal["configured", "recognised"] = "configured"  # "recognised": imported institutions, too
    countries: tuple[str, ...] = ()  # of these: codes of the EU authority list, such as NLD; none: all
