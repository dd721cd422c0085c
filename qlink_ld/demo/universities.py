"""Who the sample universities are. None exists: names are invented, domains end in `.example` (RFC 2606).

Their ids have the form of OrgReg ids (`^(INT|[A-Z]{2})[0-9]{4}$`) with country codes that ISO 3166 leaves to users.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class University:
    """A fictional university; `languages` are those of its catalogue, the first is the commonest."""

    id: str
    schac: str
    names: Mapping[str, str]  # language → legal name
    short_name: str
    country: str  # alpha-3
    country_alpha2: str
    city: str
    street: str
    postal_code: str
    languages: tuple[str, ...]

    @property
    def website(self) -> str:
        """The home page, without a final slash."""
        return f"https://www.{self.schac}"

    @property
    def organisation_iri(self) -> str:
        """How the university names itself in RDF, wherever its data is published."""
        return f"{self.website}/#organisation"

    @property
    def name(self) -> str:
        """The English name."""
        return self.names["en"]


NORDHAIN: Final = University(
    id="XA0001",
    schac="uni-nordhain.example",
    names={"de": "Universität Nordhain", "en": "University of Nordhain"},
    short_name="UNH",
    country="DEU",
    country_alpha2="DE",
    city="Nordhain",
    street="Am Alten Hafen",
    postal_code="00100",
    languages=("de", "en"),
)
ALTAVALLE: Final = University(
    id="XB0001",
    schac="univ-altavalle.example",
    names={"it": "Università di Altavalle", "fr": "Université d'Altavalle", "en": "University of Altavalle"},
    short_name="UniAV",
    country="ITA",
    country_alpha2="IT",
    city="Valmer",
    street="Via dei Passi",
    postal_code="00200",
    languages=("it", "fr", "en"),
)
THALASSIA: Final = University(
    id="XC0001",
    schac="uthalassia.example",
    names={"el": "Πανεπιστήμιο Θαλασσίας", "en": "University of Thalassia"},
    short_name="UTH",
    country="GRC",
    country_alpha2="GR",
    city="Θαλασσία",
    street="Λιμάνι",
    postal_code="00300",
    languages=("el", "en"),
)
ZEEDIJK: Final = University(
    id="XD0001",
    schac="uni-zeedijk.example",
    names={"nl": "Universiteit Zeedijk", "en": "University of Zeedijk"},
    short_name="UZD",
    country="NLD",
    country_alpha2="NL",
    city="Zeedijk",
    street="Sluisplein",
    postal_code="0040 ZD",
    languages=("nl", "en"),
)
RIOMAR: Final = University(
    id="XE0001",
    schac="uriomar.example",
    names={"es": "Universidad de Riomar", "en": "University of Riomar"},
    short_name="URM",
    country="ESP",
    country_alpha2="ES",
    city="Riomar",
    street="Paseo del Puerto",
    postal_code="00500",
    languages=("es", "en"),
)
SERRABELA: Final = University(
    id="XF0001",
    schac="userrabela.example",
    names={"pt": "Universidade de Serrabela", "en": "University of Serrabela"},
    short_name="USB",
    country="PRT",
    country_alpha2="PT",
    city="Serrabela",
    street="Largo da Fonte",
    postal_code="0060-001",
    languages=("pt", "en"),
)
JEZIORNO: Final = University(
    id="XG0001",
    schac="uni-jeziorno.example",
    names={"pl": "Uniwersytet w Jeziornie", "en": "University of Jeziorno"},
    short_name="UJZ",
    country="POL",
    country_alpha2="PL",
    city="Jeziorno",
    street="ulica Wodna",
    postal_code="00-700",
    languages=("pl", "en"),
)
VALEMARE: Final = University(
    id="XH0001",
    schac="univ-valemare.example",
    names={"ro": "Universitatea din Valea Mare", "en": "University of Valea Mare"},
    short_name="UVM",
    country="ROU",
    country_alpha2="RO",
    city="Valea Mare",
    street="Strada Dunării",
    postal_code="000800",
    languages=("ro", "en"),
)
BELAGORA: Final = University(
    id="XI0001",
    schac="uni-belagora.example",
    names={"sl": "Univerza v Beli Gori", "en": "University of Bela Gora"},
    short_name="UBG",
    country="SVN",
    country_alpha2="SI",
    city="Bela Gora",
    street="Trg ob potoku",
    postal_code="0900",
    languages=("sl", "en"),
)
SEEUFER: Final = University(
    id="XJ0001",
    schac="uni-seeufer.example",
    names={"de": "Seeufer-Universität", "en": "Lakeside University"},
    short_name="SUU",
    country="AUT",
    country_alpha2="AT",
    city="Seeufer",
    street="Bootsweg",
    postal_code="0010",
    languages=("de", "en"),
)
RIA: Final = University(
    id="XK0001",
    schac="uria.example",
    names={"pt": "Universidade da Ria", "en": "University of the Lagoon"},
    short_name="URia",
    country="PRT",
    country_alpha2="PT",
    city="Ria",
    street="Cais dos Moliceiros",
    postal_code="0100-001",
    languages=("pt", "en"),
)
PORTOFERMO: Final = University(
    id="XL0001",
    schac="poliportofermo.example",
    names={"it": "Politecnico di Portofermo", "en": "Polytechnic of Portofermo"},
    short_name="PoliPF",
    country="ITA",
    country_alpha2="IT",
    city="Portofermo",
    street="Molo Vecchio",
    postal_code="00110",
    languages=("it", "en"),
)
VALMONT: Final = University(
    id="XM0001",
    schac="univ-valmont.example",
    names={"fr": "Université de Valmont", "en": "University of Valmont"},
    short_name="UVal",
    country="FRA",
    country_alpha2="FR",
    city="Valmont",
    street="Place des Sources",
    postal_code="00120",
    languages=("fr", "en"),
)
UNIVERSITIES: Final = (
    NORDHAIN,
    ALTAVALLE,
    THALASSIA,
    ZEEDIJK,
    RIOMAR,
    SERRABELA,
    JEZIORNO,
    VALEMARE,
    BELAGORA,
    SEEUFER,
    RIA,
    PORTOFERMO,
    VALMONT,
)
ALLIANCE_ID: Final = "INT9001"
ALLIANCE_NAME: Final = "Aurelia European University Alliance"
