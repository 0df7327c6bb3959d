import asyncio
import gzip
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from picture_host import picture_host, png

from budget.serving.errors import RequestError
from budget.serving.limits import Limits
from budget.serving.public_addresses import parse_networks
from budget.serving.remote_images import RemoteImages, RemoteRules, resolve
from budget.serving.request_images import RequestImages


def fetching(host, *networks, max_bytes=10_000, resolver=resolve, tls=None, **rules):
    """Return a fetcher that is allowed the port of the host, and networks if they are given."""
    known = RemoteRules(parse_networks(networks), ports=frozenset({80, 443, host.port}), **rules)
    return RemoteImages(max_bytes, known, resolver=resolver, ssl_context=tls)


async def refusal(images, url):
    with pytest.raises(RequestError, match=r"\w") as caught:
        await images.fetch(url, param="messages[0]")
    assert (caught.value.status, caught.value.param) == (400, "messages[0]")
    return caught.value


def names(**table):
    """Return a resolver that knows these names, and the list of what it was asked."""
    asked = []

    async def resolver(host, port):
        asked.append(host)
        found = table[host.split(".")[0]]
        return found.pop(0) if isinstance(found[0], list) else found

    return resolver, asked


def test_an_image_is_fetched_by_its_name_from_the_address_that_was_checked():
    async def go():
        async with picture_host() as host:
            host.answers("/a.png?size=2", png())
            resolver, _ = names(pictures=["127.0.0.1"])
            images = fetching(host, "127.0.0.1", resolver=resolver)
            rules = images.rules
            url = host.url("/a.png?size=2#part", "pictures.test")
            assert await images.fetch(url) == png()
            assert f"Host: pictures.test:{host.port}\r\n" in host.heads[0]
            assert "accept-encoding: identity" in host.heads[0].lower()
            whole = RequestImages(Limits(), allow_remote=True, rules=rules, remote=images)
            assert (await whole.load(url)).image.size == (4, 3)

    asyncio.run(go())


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "0",
        "LOCALHOST",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
def test_loopback_is_not_reached_however_it_is_written(name):
    async def go():
        async with picture_host() as host:
            host.answers("/a.png", png())
            error = await refusal(fetching(host), host.url("/a.png", name))
            assert error.code in {
                "image_url_forbidden",
                "image_url_invalid",
                "image_url_unreachable",
            }
            assert host.heads == []

    asyncio.run(go())


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_those_that_resolve_are_refused_for_their_address(name):
    async def go():
        async with picture_host() as host:
            error = await refusal(fetching(host), host.url("/", name))
            assert error.code == "image_url_forbidden"
            assert "is not at a public address" in error.message

    asyncio.run(go())


def test_a_redirect_to_a_private_address_is_not_followed():
    async def go():
        async with picture_host() as host:
            host.redirects("/a.png", host.url("/secret", "127.0.0.1"))
            host.redirects("/b.png", "file:///etc/passwd")
            host.redirects("/c.png", "http://169.254.169.254/latest/meta-data")
            host.redirects("/d.png", host.url("/e.png", "me:secret@127.0.0.2"))
            host.redirects("/f.png", "http://127.0.0.2:22/")
            host.answers("/secret", png())
            images = fetching(host, "127.0.0.2")
            for path in ("/a.png", "/b.png", "/c.png", "/d.png", "/f.png"):
                error = await refusal(images, host.url(path, "127.0.0.2"))
                assert error.code in {"image_url_forbidden", "image_url_invalid"}
                assert "secret" not in error.message.replace("/secret", "")
            assert len(host.heads) == 5

    asyncio.run(go())


def test_redirects_are_followed_three_times_and_no_more():
    async def go():
        async with picture_host() as host:
            for i in range(5):
                host.redirects(f"/{i}", f"../{i + 1}", f"{(301, 302, 303, 307, 308)[i]} Moved")
            host.answers("/5", png())
            images = fetching(host, "127.0.0.1")
            assert await images.fetch(host.url("/2")) == png()
            assert (await refusal(images, host.url("/1"))).code == "image_url_redirects"
            host.redirects("/loop", "/loop")
            assert (await refusal(images, host.url("/loop"))).code == "image_url_redirects"

    asyncio.run(go())


def test_a_name_that_changes_its_address_after_the_check_changes_nothing():
    async def go():
        async with picture_host() as host:
            host.answers("/a.png", png())
            resolver, asked = names(rebinding=[["127.0.0.2"], ["127.0.0.1"]])
            images = fetching(host, "127.0.0.2", resolver=resolver)
            url = host.url("/a.png", "rebinding.test")
            assert await images.fetch(url) == png()
            assert asked == ["rebinding.test"]  # once: what was checked is what was connected to
            assert (await refusal(images, url)).code == "image_url_forbidden"
            assert len(host.heads) == 1

    asyncio.run(go())


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    async def go():
        async with picture_host() as host:
            for both in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], []):
                resolver, _ = names(mixed=both)
                if not both:

                    async def resolver(host, port):
                        return []

                error = await refusal(
                    fetching(host, resolver=resolver), host.url("/", "mixed.test")
                )
                assert error.code == "image_url_forbidden"

    asyncio.run(go())


def test_the_next_address_is_tried_where_the_first_is_dead():
    async def go():
        async with picture_host() as host:
            host.answers("/a.png", png())
            resolver, _ = names(two=["127.0.0.3", "127.0.0.2"])  # nothing listens at .3
            images = fetching(host, "127.0.0.0/8", resolver=resolver)
            assert await images.fetch(host.url("/a.png", "two.test")) == png()

    asyncio.run(go())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:22/",
        "http://user@127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "http://",
        "http:///a.png",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "http://" + "a" * 70 + ".test/",
        "http://a.test/\x00",
        "http://\udc80/",
        "",
    ],
)
def test_urls_that_are_not_plain_are_refused_without_a_connection(url):
    async def go():
        async with picture_host() as host:
            error = await refusal(fetching(host, "127.0.0.0/8"), url)
            assert error.code in {
                "image_url_forbidden",
                "image_url_invalid",
                "image_url_unreachable",
            }
            assert "password" not in error.message.replace("a user or a password", "")

    asyncio.run(go())


@pytest.mark.parametrize("head", ["", "Content-Length: 999999999\r\n"])
def test_an_endless_body_is_cut(head):
    async def go():
        async with picture_host() as host:
            host.streams("/a.png", b"x" * 4096, pause=0, times=100_000, head=head)
            images = fetching(host, "127.0.0.1", max_bytes=100_000)
            error = await refusal(images, host.url("/a.png"))
            assert error.code == "image_too_large"
            await asyncio.sleep(0.05)
            assert host.sent < 50_000_000  # what socket buffers took, of 400 MB

    asyncio.run(go())


def test_a_body_that_drips_is_cut_at_the_deadline():
    async def go():
        async with picture_host() as host:
            host.streams("/a.png", b"x", pause=0.05, times=1000)
            images = fetching(host, "127.0.0.1", deadline_s=0.4)
            start = time.monotonic()
            assert (await refusal(images, host.url("/a.png"))).code == "image_url_timeout"
            assert time.monotonic() - start < 3

    asyncio.run(go())


def test_a_slow_name_server_is_cut_at_the_deadline_too():
    async def never(host, port):
        await asyncio.sleep(60)

    async def go():
        async with picture_host() as host:
            images = fetching(host, resolver=never, deadline_s=0.1)
            assert (await refusal(images, host.url("/"))).code == "image_url_timeout"

    asyncio.run(go())


def test_only_whole_plain_bodies_count():
    async def go():
        async with picture_host() as host:
            host.answers("/zip", gzip.compress(b"0" * 10**6), "Content-Encoding: gzip")
            host.answers("/gone", png(), status="404 Not Found")
            host.answers("/empty", b"")
            host.answers("/cut", png()[:20], "Content-Length: 500")
            host.answers(
                "/chunks", b"4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n", "Transfer-Encoding: chunked"
            )
            host.answers("/largest", b"x" * 10_000)
            host.answers("/larger", b"x" * 10_001)
            images = fetching(host, "127.0.0.1")
            assert "compressed" in (await refusal(images, host.url("/zip"))).message
            assert "status 404" in (await refusal(images, host.url("/gone"))).message
            assert "is empty" in (await refusal(images, host.url("/empty"))).message
            assert "could not be fetched" in (await refusal(images, host.url("/cut"))).message
            assert await images.fetch(host.url("/chunks")) == b"abcdef"
            assert len(await images.fetch(host.url("/largest"))) == 10_000
            assert (await refusal(images, host.url("/larger"))).code == "image_too_large"

    asyncio.run(go())


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    async def go():
        async with picture_host() as host:
            host.answers("/a.png", png())
            assert await fetching(host, "127.0.0.1").fetch(host.url("/a.png")) == png()

    asyncio.run(go())


def test_a_certificate_must_be_of_the_name_in_the_url(tmp_path):
    certificate = _self_signed(tmp_path, "pictures.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    asked = []
    server.sni_callback = lambda connection, name, context: asked.append(name)

    async def go():
        async with picture_host(server) as host:
            host.answers("/a.png", png())
            resolver, _ = names(pictures=["127.0.0.2"], other=["127.0.0.2"])
            trusting = ssl.create_default_context(cafile=certificate)
            images = fetching(host, "127.0.0.2", resolver=resolver, tls=trusting)
            url = host.url("/a.png", "pictures.test").replace("http:", "https:")
            assert await images.fetch(url) == png()
            assert asked == ["pictures.test"]
            error = await refusal(images, url.replace("pictures", "other"))
            assert error.code == "image_url_unreachable"
            strangers = fetching(host, "127.0.0.2", resolver=resolver)  # trusts the system's only
            assert (await refusal(strangers, url)).code == "image_url_unreachable"

    asyncio.run(go())


def _self_signed(folder, name):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "both.pem"
    path.write_bytes(secret + made.public_bytes(encoding))
    return path


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ports": frozenset({0})}, r"1\.\.65535, got 0"),
        ({"max_redirects": -1}, r"0\.\.20, got -1"),
        ({"deadline_s": 0}, r"\(0, 600\], got 0"),
    ],
)
def test_rules_check_themselves(wrong, message):
    with pytest.raises(ValueError, match=message):
        RemoteRules(**wrong)
