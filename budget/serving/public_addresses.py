"""Which addresses a server may be sent to by a stranger's URL: public ones, and no other."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is handed out
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, given up


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks that are written as ``10.1.0.0/16`` or as one address.

    Raises:
        ValueError: if one is no network, or has bits set beyond its prefix.

    Example:
        >>> parse_networks(["10.1.0.0/16", "::1"])
        (IPv4Network('10.1.0.0/16'), IPv6Network('::1/128'))
    """
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError:
            raise ValueError(
                f"a network is written as 10.1.0.0/16 or fd00:1::/64, got {text!r}"
            ) from None
    return tuple(found)


def may_reach(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Return whether an address is public, or lies in a network that was allowed by name.

    An IPv6 address that leads to an IPv4 one (mapped, compatible, 6to4, Teredo, NAT64) is judged by
    that one too. Not public are, besides private and loopback ones: link-local, shared,
    documentation, benchmark, multicast and reserved ranges, and every address with a zone.

    Args:
        address: as ``getaddrinfo`` gives it, IPv4 or IPv6.
        allowed: networks that are reached although they are not public.

    Example:
        >>> [may_reach(a) for a in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")]
        [True, False, False, False]
        >>> may_reach("10.0.0.1", parse_networks(["10.0.0.0/8"]))
        True
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return False
    inner = _inner(found)
    if not inner:
        return _is_public(found) or _is_in(found, allowed)
    return all(_is_public(each) or _is_in(each, allowed) for each in inner)


def _inner(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that packets to an IPv6 address may end at."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        return (last,)
    return (last,) if address in _COMPATIBLE and int(address) > 1 else ()


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
