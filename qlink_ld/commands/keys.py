"""The commands `keys init|show|rotate`: how providers know us, and encrypt secrets for us. Source: DESIGN §7."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from qlink_ld.commands import GOOD, NO, with_config

if TYPE_CHECKING:
    from qlink_ld.access.keys import KeyRing
    from qlink_ld.config import Config


@click.group("keys")
def keys_group() -> None:
    """Our keys: providers encrypt secrets for one of them, and the others sign our requests."""


@keys_group.command("init")
@with_config
def init_command(config: "Config") -> int:
    """Make the keys that are missing.

    They go into the folder `keys` of the data directory, or the one that [access] names. With QLINK_KEYS_PASSPHRASE in
    the environment the files are encrypted.
    """
    from qlink_ld.access.keys import add_keys, load_keys

    before = len(load_keys(config.keys_dir).keys)
    ring = add_keys(config.keys_dir, datetime.now(UTC), missing_only=True)
    made = len(ring.keys) - before
    click.echo(f"made {made} keys in {ring.folder}" if made else f"nothing to do: {ring.folder} has all keys")
    _print(ring, config)
    return GOOD


@keys_group.command("rotate")
@with_config
def rotate_command(config: "Config") -> int:
    """Make new keys and use them from now on; what was encrypted for the old ones can still be read."""
    from qlink_ld.access.keys import add_keys

    ring = add_keys(config.keys_dir, datetime.now(UTC))
    click.echo(f"new keys are in {ring.folder}; once nobody uses the old ones, their files may be removed")
    _print(ring, config)
    return GOOD


@keys_group.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print what /keys.json publishes.")
@with_config
def show_command(config: "Config", as_json: bool) -> int:
    """Show our public keys, and the command with which a provider encrypts a secret for us. Exit code 1: none."""
    from qlink_ld.access.keys import load_keys

    ring = load_keys(config.keys_dir)
    if as_json:
        click.echo(json.dumps(ring.describe(), indent=2))
    elif not ring.keys:
        click.echo(f"there are no keys in {ring.folder}; make them with: qlink-ld keys init", err=True)
    else:
        _print(ring, config)
    return GOOD if ring.keys else NO


def _print(ring: "KeyRing", config: "Config") -> None:
    for key in ring.describe()["keys"]:
        click.echo(f"{key['status']:8} {key['use']:11} {key['alg']:18} {key['created'][:10]} {key['keyid']}")
    click.echo(f"\nPublished at {config.base_iri}keys. A provider encrypts a secret for a manifest with:")
    click.echo(
        f"  curl -fsO {config.base_iri}keys/encryption.pem\n"
        "  printf '%s' 'the secret' | openssl pkeyutl -encrypt -pubin -inkey encryption.pem "
        "-pkeyopt rsa_padding_mode:oaep | base64 -w0"
    )
