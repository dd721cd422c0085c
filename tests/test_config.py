"""The configuration: what is read, and which line is named when something is wrong."""

from datetime import date
from pathlib import Path

import pytest

from qlink_ld.config import Config, load_config
from qlink_ld.errors import ConfigurationError

WHOLE = """
base_iri = "https://courses.example.eu"
data_dir = "published"

[[institution]]
id = "NL0028"
name = "University of Twente"
schac = "utwente.nl"
website = "https://www.utwente.nl"
country = "NLD"
same_as = ["https://ror.org/006hf6230"]
minimum_records = 500
maximum_fall = 1

[[institution]]
id = "uni-lj.si"
name = "University of Ljubljana"
on_violation = "publish"
  [[institution.source]]
  type = "elm"
  path = "open data/elm.ttl"
  version = 3.3
  [[institution.source]]
  id = "api"
  type = "ooapi"
  path = "https://api.example.si/ooapi/v5/"
  version = 5
  page_size = 100
  offerings_since = 2026-09-01
  headers = { Accept-Language = "sl" }
  [[institution.source]]
  id = "own"
  type = "json"
  path = "file:///data/own.json"
  mapping = "./my-university"

[[alliance]]
id = "INT6006"
name = "ECIU University"
members = ["NL0028"]

[harvest]
timeout_s = 5
allow_private_addresses = true

[validation]
shapes = ["shapes/own.ttl"]
"""


def load(folder: Path, text: str, environment: dict[str, str] | None = None) -> Config:
    file = folder / "qlink.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, environment=environment or {})


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, WHOLE)
    assert config.base_iri == "https://courses.example.eu/"
    assert config.data_dir == tmp_path / "published"
    assert config.harvest.timeout_s == 5.0
    assert config.validation.shapes == (tmp_path / "shapes" / "own.ttl",)
    twente, ljubljana = config.institutions
    assert (twente.minimum_records, twente.maximum_fall, twente.sources) == (500, 1.0, ())
    elm, api, own = ljubljana.sources
    assert (elm.id, elm.version, elm.path) == ("elm", "3.3", (tmp_path / "open data" / "elm.ttl").as_uri())
    assert (api.version, api.offerings_since, api.headers) == ("5", date(2026, 9, 1), {"Accept-Language": "sl"})
    assert (own.path, own.mapping) == ("file:///data/own.json", str(tmp_path / "my-university"))
    assert config.alliances[0].members == ("NL0028",)
    assert config.institution("uni-lj.si") is ljubljana


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(environment={})
    assert (config.base_iri, config.data_dir) == ("http://localhost:8080/", tmp_path / "data")


def test_the_data_folder_brings_its_own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qlink.toml").write_text('base_iri = "https://here.example/"')
    folder = tmp_path / "demo"
    folder.mkdir()
    assert load_config(None, folder, {}).base_iri == "https://here.example/"
    (folder / "qlink.toml").write_text('base_iri = "https://demo.example/"\ndata_dir = "elsewhere"')
    config = load_config(None, folder, {})
    assert (config.base_iri, config.data_dir) == ("https://demo.example/", folder)


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    environment = {
        "QLINK_BASE_IRI": "https://other.example/",
        "QLINK_DATA_DIR": "elsewhere",
        "QLINK_SPARQL_TIMEOUT_S": "2.5",
        "QLINK_SPARQL_WORKERS": "7",
        "QLINK_SPARQL_SERVICE_ALLOW": "https://a.example/, https://b.example/",
        "QLINK_HARVEST_ALLOW_PRIVATE_ADDRESSES": "no",
        "QLINK_VALIDATION_ENGINE": "pyshacl",
        "QLINK_VALIDATION_SHAPES": "own.ttl",
        "QLINK_STORE_QUERY_URL": "https://sparql.example/",
        "PATH": "/bin",
    }
    config = load(tmp_path, WHOLE, environment)
    assert config.base_iri == "https://other.example/"
    assert config.data_dir == here / "elsewhere"  # from the current folder, as in every command
    assert (config.sparql.timeout_s, config.sparql.workers) == (2.5, 7)
    assert config.sparql.service_allow == ("https://a.example/", "https://b.example/")
    assert config.harvest.allow_private_addresses is False
    assert config.validation.engine == "pyshacl"
    assert config.validation.shapes == (here / "own.ttl",)
    assert config.store.query_url == "https://sparql.example/"


def test_an_unknown_variable_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(tmp_path, WHOLE, {"QLINK_SPARQL_TIMEOUT": "1"})
    assert "QLINK_SPARQL_TIMEOUT names no setting" in caplog.text


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"QLINK_SPARQL_WORKERS": "many"}, "environment variable QLINK_SPARQL_WORKERS: cannot read 'many' as int"),
        ({"QLINK_SPARQL_WORKERS": "0"}, "environment variable QLINK_SPARQL_WORKERS: 'workers' must be at least 1"),
        ({"QLINK_HARVEST_ALLOW_PRIVATE_ADDRESSES": "maybe"}, "QLINK_HARVEST_ALLOW_PRIVATE_ADDRESSES"),
        ({"QLINK_VALIDATION_ENGINE": "jena"}, "environment variable QLINK_VALIDATION_ENGINE: 'engine' must be one of"),
        ({"QLINK_BASE_IRI": "ftp://x/"}, "environment variable QLINK_BASE_IRI: base_iri must be"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, WHOLE, variables)
    assert message in str(error.value)


INSTITUTION = '[[institution]]\nid = "A"\nname = "B"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('base = "http://a/"', 1, "unknown key 'base'; allowed here: base_iri, data_dir, [[institution]]"),
        ("\n[harvst]\ntimeout_s = 1", 2, "unknown key 'harvst'"),
        ("[harvest]\n\n timeout = 1", 3, "unknown key 'timeout'; allowed here: allow_addresses"),
        ("[harvest]\n'timeout_s' = 'long'", 2, "'timeout_s' must be a number, not 'long'"),
        ("[harvest]\ntimeout_s = true", 2, "'timeout_s' must be a number, not True"),
        ("[harvest]\ntimeout_s = nan", 2, "'timeout_s' must be at least 0.001"),
        ("[harvest]\nkeep_snapshots = 1.5", 2, "'keep_snapshots' must be a whole number"),
        ("[harvest]\nallow_private_addresses = 1", 2, "must be true or false"),
        ("[harvest]\nuser_agent = 5", 2, "must be text, not 5"),
        ("data_dir = 5", 1, "'data_dir' must be a path as text, not 5"),
        ("harvest = 5", 1, "'harvest' must be a table"),
        ("[validation]\nengine = 'jena'", 2, "'engine' must be one of shacl, pyshacl, not 'jena'"),
        ("[validation]\nshapes = 'a.ttl'", 2, "'shapes' must be a list, not 'a.ttl'"),
        ("[validation]\nshapes = [5]", 2, "'shapes' must be a path as text, not 5"),
        ("[sparql]\nworkers = 0", 2, "'workers' must be at least 1, not 0"),
        ("base_iri = 'courses'", 1, "base_iri must be an http(s) address, not 'courses'"),
        ("base_iri = 'http://a b/'", 1, "base_iri must be"),
        ("[institution]\nid = 'A'", 1, "write [[institution]] with two brackets"),
        (INSTITUTION + "[[institution]]\nname = 'C'", 4, "'id' is missing in [[institution]]"),
        (INSTITUTION + INSTITUTION, 5, "institution 'A' is given twice"),
        (INSTITUTION + "[[institution]]\nid = '../B'\nname = 'C'", 5, "'../B' cannot be an id"),
        (INSTITUTION + "minimum_records = -1", 4, "'minimum_records' must be at least 0"),
        (INSTITUTION + "maximum_fall = 30", 4, "'maximum_fall' is a share between 0 and 1"),
        (INSTITUTION + "country = 'Netherlands'", 4, "'country' is a code of three capital letters"),
        (INSTITUTION + "schac = 'u twente'", 4, "'schac' is a domain name"),
        (INSTITUTION + "same_as = ['ror.org/x']", 4, "'ror.org/x' is none"),
        (INSTITUTION + "on_violation = 'ignore'", 4, "must be one of refuse, publish"),
        (INSTITUTION + "[[institution.sources]]\ntype = 'elm'", 4, "unknown key 'sources'; allowed here:"),
        (INSTITUTION + "[[institution.source]]\ntype = 'elm'", 4, "'path' is missing in [[institution.source]]"),
        (INSTITUTION + "[[institution.source]]\ntype = 'rss'\npath = 'x'", 5, "unknown source type 'rss'; known: elm"),
        (INSTITUTION + "[[institution.source]]\ntype = 'csv'\npath = 'x'", 5, "type 'csv' needs a 'mapping'"),
        (INSTITUTION + "[[institution.source]]\ntype = 'elm'\npath = 'ftp://x/y'", 6, "'path' must be http(s), file:"),
        (INSTITUTION + "[[institution.source]]\ntype = 'elm'\npath = 'x'\nid = 'a/b'", 7, "'a/b' cannot be an id"),
        (INSTITUTION + 2 * "[[institution.source]]\ntype = 'elm'\npath = 'x'\n", 1, "two sources with the id 'elm'"),
        (
            INSTITUTION
            + "[[institution.source]]\ntype = 'elm'\npath = 'x'\n"
            + "[[institution.source]] # second\nid = 'b'\ntype = 'elm'\npath = 'y'\nurl = 'z'\n",
            11,
            "unknown key 'url'; allowed here: auth, content_type",
        ),
        (
            INSTITUTION + "[[institution]]\nid = 'C'\nname = 'D'\n[[institution.source]]\ntype = 1\npath = 'x'",
            8,
            "'type' must be text, not 1",
        ),
        (
            INSTITUTION + "[[institution.source]]\ntype = 'ooapi'\npath = 'x'\nofferings_since = '2026-09-01'",
            7,
            "'offerings_since' must be a date without time and quotes",
        ),
        (
            INSTITUTION + "[[institution.source]]\ntype = 'ooapi'\npath = 'x'\nofferings_since = 2026-09-01T00:00:00Z",
            7,
            "'offerings_since' must be a date without time and quotes",
        ),
        ("[[alliance]]\nid = 'A'\nname = 'B'\nmember = ['C']", 4, "unknown key 'member'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'qlink.toml'}:{line}: ")
    assert message in str(error.value)


def test_a_spreadsheet_is_a_table(tmp_path: Path) -> None:
    text = INSTITUTION + "[[institution.source]]\ntype = 'xlsx'\npath = 'x.xlsx'\nmapping = './own'"
    (source,) = load(tmp_path, text).institutions[0].sources
    assert (source.type, source.mapping) == ("csv", str(tmp_path / "own"))


def test_a_mapping_is_a_folder_beside_the_file_or_a_bundled_name(tmp_path: Path) -> None:
    (tmp_path / "my-university").mkdir()
    (tmp_path / "example-json").mkdir()
    text = INSTITUTION + "[[institution.source]]\ntype = 'json'\npath = 'x'\nmapping = '{}'"

    def read(mapping: str) -> str | None:
        return load(tmp_path, text.format(mapping)).institutions[0].sources[0].mapping

    assert read("my-university") == read("./my-university") == str(tmp_path / "my-university")
    assert read("example-json") == "example-json"
    assert read("./example-json") == str(tmp_path / "example-json")
    assert read("absent") == "absent"


def test_what_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"qlink\.toml: not valid TOML: .*line 2"):
        load(tmp_path, "a = 1\nb = = 2")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "qlink.toml").write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_config(tmp_path / "qlink.toml", environment={})


def test_addresses_are_ip_addresses(tmp_path: Path) -> None:
    file = tmp_path / "qlink.toml"
    file.write_text('[access]\naddresses = ["192.0.2.0/24", "our-server"]\n')
    with pytest.raises(ConfigurationError, match=r"qlink\.toml:2: 'addresses' has IP .* not 'our-server'"):
        load_config(file)


def test_a_source_has_the_same_keys_as_in_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "qlink.toml"
    file.write_text(
        '[[institution]]\nid = "NL0028"\nname = "Twente"\n[[institution.source]]\ntype = "elm"\n'
        'path = "https://x.example/elm"\ncontentType = "text/turtle"\npageSize = 100\nrefresh = 12\n'
        'queryParameters = { key = "1" }\nauth = { type = "httpheader", field = "X-Key", value = "QUJD" }\n'
    )
    (source,) = load_config(file).institutions[0].sources
    assert (source.content_type, source.page_size, source.refresh_h, source.refresh_stated) == (
        "text/turtle",
        100,
        12.0,
        True,
    )
    assert source.query_parameters == {"key": "1"}
    assert (source.auth.type, source.auth.header, source.auth.value) == ("httpheader", "X-Key", "QUJD")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the configuration .*missing\.toml: No such file"):
        load_config(tmp_path / "missing.toml", environment={})


def test_an_unknown_institution_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'X' is not in the configuration; it has: NL0028, uni-lj\.si"):
        load(tmp_path, WHOLE).institution("X")
