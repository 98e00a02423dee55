"""Which addresses belong to this machine or this network, and must not be asked on behalf of a web page."""

from __future__ import annotations

import ipaddress
import socket

# RFC 6052: the last 32 bits are the IPv4 address that is really asked.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Not global by IANA's registries, but taken for it by ipaddress, of Python before 3.11.10 or still.
ALSO_PRIVATE = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16")))

# Link-local addresses, where clouds keep the credentials of a machine, and those of clouds that keep them elsewhere:
# AWS (IPv6), Google Cloud (IPv6), Alibaba Cloud and Oracle Cloud.
METADATA = tuple(
    ipaddress.ip_network(network)
    for network in "169.254.0.0/16 fe80::/10 fd00:ec2::254 fd20:ce::254 100.100.100.200 192.0.0.192".split()
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def embedded(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 address, which is where packets end up; else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet: not loopback, private, link-local, multicast or reserved, in
    whatever notation (https://www.iana.org/assignments/iana-ipv4-special-registry)."""
    address = embedded(ipaddress.ip_address(text))
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    if any(address in network for network in ALSO_PRIVATE):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_metadata(text: str) -> bool:
    """Whether an address is link-local or a cloud's metadata service, in whatever notation: never asked by a source."""
    address = embedded(ipaddress.ip_address(text.partition("%")[0]))
    return any(address in network for network in METADATA)


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses a name resolves to, each once, in the resolver's order.

    Raises:
        OSError: where it resolves to none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
