"""Who may call a stack that requires no keys: programs on this machine, and pages that the stack itself serves.

Microsoft's host has no such rules, because it asks for keys. Without keys, any page that a developer visits could call
this machine: by a name of its own that resolves to 127.0.0.1 (DNS rebinding), or by requests that need no preflight.
"""

import ipaddress
from urllib.parse import urlsplit

from local.http_message import Request, Response

_HERE = "localhost"
_TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def is_loopback(name: str) -> bool:
    """Whether a host name or IP address stands for this machine alone."""
    try:
        return name.lower() == _HERE or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_host(request: Request, public_url: str) -> Response | None:
    """Returns the refusal of a request to a host name that is not this machine's, or None.

    `public_url` is the app's own address (PUBLIC_URL), which may be that of a proxy. Browsers always send the name.
    """
    given = request.header("host")
    if given is None:
        return None
    name = _host_name(f"//{given}")
    if name and (is_loopback(name) or name == _host_name(public_url)):
        return None
    body = b"Without --auth, the stack answers only to localhost, loopback addresses and the host of PUBLIC_URL.\n"
    return Response(421, list(_TEXT), body)


def refuse_page(request: Request) -> Response | None:
    """Returns the refusal of a request to the host's own addresses that a page may have sent, or None.

    Browsers send `Origin` with every POST. Without it, only JSON is taken, for which a page needs a preflight.
    """
    if request.header("origin") is not None:
        return Response(403, list(_TEXT), b"Without --auth, no page may call the host's own addresses.\n")
    has_body = bool(request.length) or request.header("transfer-encoding") is not None
    if request.method == "POST" and has_body and request.media_type != "application/json":
        return Response(415)
    return None


def _host_name(url: str) -> str:
    """Returns the name in a URL in lower case, without brackets; empty when there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
