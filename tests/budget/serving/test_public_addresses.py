import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.serving.public_addresses import may_reach, parse_networks

PRIVATE = {
    "this host": "0.0.0.0",
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "class A": "10.0.0.1",
    "class B": "172.16.0.1",
    "class C": "192.168.1.1",
    "link-local, where clouds keep credentials": "169.254.169.254",
    "shared": "100.64.0.1",
    "documentation": "203.0.113.7",
    "benchmark": "198.18.0.1",
    "multicast": "224.0.0.1",
    "multicast that is_global allows": "239.1.2.3",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6 unspecified": "::",
    "v6 loopback": "::1",
    "v6 unique local": "fd00::1",
    "v6 link-local": "fe80::1",
    "v6 link-local with zone": "fe80::1%eth0",
    "v6 public with zone": "2606:4700::1111%1",
    "v6 site-local": "fec0::1",
    "v6 multicast": "ff0e::1",
    "v6 documentation": "2001:db8::1",
    "v6 handed to nobody": "4000::1",
    "mapped": "::ffff:10.0.0.1",
    "mapped in hex": "::ffff:7f00:1",
    "compatible": "::127.0.0.1",
    "6to4": "2002:7f00:1::1",
    "NAT64": "64:ff9b::169.254.169.254",
    "local NAT64": "64:ff9b:1::10.0.0.1",
    "Teredo client": "2001:0:808:808:0:0:80ff:fffe",  # 127.0.0.1, its bits turned
    "a name": "localhost",
    "nothing": "",
}


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_what_is_not_public_is_not_reached(address):
    assert not may_reach(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)
def test_what_is_public_is_reached(address):
    assert may_reach(address)


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_every_way_to_write_an_address_in_v6_is_judged_as_the_address(address):
    number = int(address)
    high, low = number >> 16, number & 0xFFFF
    for written in (f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1"):
        assert may_reach(written) == may_reach(str(address)), written


def test_an_allowed_network_opens_itself_and_nothing_beside_it():
    allowed = parse_networks(["10.1.0.0/16", "fd00:1::/64"])
    assert may_reach("10.1.2.3", allowed)
    assert may_reach("::ffff:10.1.2.3", allowed)
    assert may_reach("fd00:1::5", allowed)
    assert not may_reach("10.2.0.1", allowed)
    assert not may_reach("fd00:2::5", allowed)
    assert not may_reach("127.0.0.1", allowed)


@pytest.mark.parametrize("text", ["10.1.0.0/33", "10.1.0.1/16", "intranet", ""])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match="a network is written as"):
        parse_networks([text])
