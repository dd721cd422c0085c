"""A real name server and real web servers on loopback."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.discovery.search import Discovery, search_manifest
from qlink_ld.discovery_settings import DiscoverySettings
from qlink_ld.model import Institution

UDP_BYTES = 1232


@dataclass
class NameServer:
    """Answers over UDP and TCP. `txt` has records by domain, each a list of character strings.

    Hosts of `hosts` have an address. Domains of `broken` get SERVFAIL, those of `silent` no answer; a domain that is
    nowhere does not exist.
    """

    txt: dict[str, list[list[str]]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # domain, type, udp or tcp
    port: int = 0
    stopped: bool = False

    def clear(self) -> None:
        for table in (self.txt, self.hosts, self.broken, self.silent, self.asked):
            table.clear()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        (question,) = query.question
        domain = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((domain, kind, transport))
        if domain in self.silent:
            return None
        response = dns.message.make_response(query)
        known = domain in self.txt or domain in self.hosts
        if domain in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == "TXT" and domain in self.txt:
            texts = [" ".join(f'"{part}"' for part in record) for record in self.txt[domain]]
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "TXT", texts))
        elif kind == "A" and domain in self.hosts:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", self.hosts[domain]))
        whole = response.to_wire(max_size=65535)
        if transport == "udp" and len(whole) > UDP_BYTES:
            cut = dns.message.make_response(query)
            cut.flags |= dns.flags.TC
            return cut.to_wire()
        return whole

    def serve_udp(self, server: socket.socket) -> None:
        while True:
            try:
                wire, client = server.recvfrom(65535)
            except TimeoutError:
                if self.stopped:
                    return
                continue
            if answer := self.answer(wire, "udp"):
                server.sendto(answer, client)

    def serve_tcp(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                if self.stopped:
                    return
                continue
            with connection:
                query, _ = dns.query.receive_tcp(connection, time.time() + 5)
                if answer := self.answer(query.to_wire(), "tcp"):
                    dns.query.send_tcp(connection, answer)


@pytest.fixture(scope="session")
def running_name_server() -> Iterator[NameServer]:
    server = NameServer()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind(("127.0.0.1", 0))
        server.port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", server.port))
        tcp.listen()
        tcp.settimeout(0.1)
        udp.settimeout(0.1)
        threads = [
            threading.Thread(target=server.serve_udp, args=(udp,)),
            threading.Thread(target=server.serve_tcp, args=(tcp,)),
        ]
        for thread in threads:
            thread.start()
        yield server
        server.stopped = True
        for thread in threads:
            thread.join()


@pytest.fixture
def names(running_name_server: NameServer) -> NameServer:
    running_name_server.clear()
    return running_name_server


@pytest.fixture(scope="session")
def running_web() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def web(running_web: HTTPServer) -> HTTPServer:
    """The web server of every host that the name server knows."""
    running_web.clear()
    return running_web


Search = Callable[..., Discovery]


@pytest.fixture
def search(names: NameServer, web: HTTPServer) -> Search:
    """Looks for a manifest as `discover` does, with all hosts at the port of `web`."""

    def look(
        schac: str | None = None,
        website: str | None = None,
        *,
        private: bool = True,
        dns_timeout_s: float = 2.0,
        timeout_s: float = 5.0,
        institution: Institution | None = None,
    ) -> Discovery:
        settings = DiscoverySettings(
            resolvers=(names.address,),
            dns_timeout_s=dns_timeout_s,
            timeout_s=timeout_s,
            origin=f"http://{{domain}}:{web.port}",
        )
        institution = institution or Institution("XX01", "Test", schac=schac, website=website)
        return search_manifest(institution, HarvestSettings(timeout_s=5, allow_private_addresses=private), settings)

    return look
