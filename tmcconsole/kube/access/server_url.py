"""Addresses of API servers and proxies, by the rules of Go's ``net/url`` and client-go. Pure."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from tmcconsole.kube.secret import Secret

PROXY_SCHEMES: Final = ("http", "https")
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.S)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=-]+")
_USERINFO: Final = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~[]"

_NONE: Final = Secret("")


class BadUrl(ValueError):
    """What is wrong, and the fix; never the URL itself, which may contain a password."""


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL without credentials, fit to be used and shown."""

    url: str  # scheme, host, port and path, without a slash at the end
    scheme: str
    user: str = ""
    password: Secret = _NONE


def server_url(written: str, *, is_tls: bool) -> ServerUrl:
    """Return an API server's address. HOST:PORT alone is https if ``is_tls``, as client-go has it.

    Raises ``BadUrl``. Query and fragment are dropped, as by client-go.
    """
    _require_one_word(written)
    found = _URL.fullmatch(written)
    if found:
        scheme, rest = found["scheme"].lower(), found["rest"]
    else:
        scheme, rest = ("https" if is_tls else "http"), written
        if "/" in written.rstrip("/") or not written.strip("/") or written.startswith("/"):
            raise BadUrl("is not a URL; write https://HOST:PORT")
    if scheme not in ("http", "https"):
        raise BadUrl(f"has the scheme {scheme}; write https://HOST:PORT")
    return _parsed(scheme, rest)


def proxy_url(written: str) -> ServerUrl:
    """Return a proxy's address. Raises ``BadUrl``."""
    _require_one_word(written)
    found = _URL.fullmatch(written)
    if not found:
        raise BadUrl("is not a URL; write http://HOST:PORT")
    scheme = found["scheme"].lower()
    if scheme not in PROXY_SCHEMES:
        raise BadUrl(f"has the scheme {scheme}; use a proxy of http or https, or a tunnel (ssh -L)")
    return _parsed(scheme, found["rest"])


def _require_one_word(written: str) -> None:
    if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in written):
        raise BadUrl("has a line break or control character; write it on one line")
    if written != written.strip():
        raise BadUrl("begins or ends with a space; remove it")


def _parsed(scheme: str, rest: str) -> ServerUrl:
    end = min((rest.find(sign) for sign in "/?#" if sign in rest), default=len(rest))
    authority, path = rest[:end], re.split(r"[?#]", rest[end:], maxsplit=1)[0]
    userinfo, _, place = authority.rpartition("@")
    if not _USERINFO.fullmatch(userinfo) or _BAD_ESCAPE.search(userinfo):
        raise BadUrl("has a user or password with signs that a URL cannot have; write them as %XX")
    user, _, password = userinfo.partition(":")
    if _BAD_ESCAPE.search(path):
        raise BadUrl("has a % without two digits after it; write %25")
    url = f"{scheme}://{_place(place)}{_path(path)}"
    return ServerUrl(url, scheme, unquote(user), Secret(unquote(password)))


def _path(path: str) -> str:
    if not path.strip("/"):
        return ""
    return quote(posixpath.normpath("/" + path.lstrip("/")), safe=_PATH_SAFE).rstrip("/")


def _place(place: str) -> str:
    """Return HOST or HOST:PORT, the host as it is sent."""
    if place.startswith("["):
        host, bracket, after = place[1:].partition("]")
        if not bracket:
            raise BadUrl("has a [ without ]; write https://[ADDRESS]:PORT")
        if after and not after.startswith(":"):
            raise BadUrl("has something between ] and the port; write https://[ADDRESS]:PORT")
        return f"[{_address(host)}]{_port(after[1:])}"
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    if ":" in host:
        raise BadUrl("has more than one colon; write an IPv6 address in brackets")
    return f"{_name(host)}{_port(port)}"


def _address(host: str) -> str:
    address, _, zone = host.partition("%25")
    try:
        ipaddress.IPv6Address(address)
    except ValueError as error:
        raise BadUrl("has an invalid IPv6 address; write https://[ADDRESS]:PORT") from error
    return f"{address}%25{zone}" if zone else address


def _name(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
        name.encode("idna")  # refuses empty labels and long ones
    except UnicodeError as error:
        raise BadUrl("has an invalid host name; write https://HOST:PORT") from error
    if not _HOST.fullmatch(name):
        raise BadUrl("has no valid host name; write https://HOST:PORT")
    return name


def _port(port: str) -> str:
    if not port:
        return ""
    if not (port.isascii() and port.isdigit()) or len(port) > 9 or int(port) > 65535:
        raise BadUrl("has an invalid port; write a number from 1 to 65535")
    return f":{int(port)}"
