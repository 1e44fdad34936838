"""The portal's files, the embedded player's page, and what their pages may load and be shown in."""

import html
import re
from pathlib import Path

import pytest

from connector.api.http import Request
from connector.api.routes import ROUTES, respond
from tests.support.apps import quick_app

ID = "01a20000-0000-7000-8000-000000000000"
[ROUTE] = [route for route in ROUTES if route.name == "Portal"]


def ask(name, **settings):
    app = quick_app(**{"public_url": "https://app.example/api", **settings})
    request = Request("GET", f"https://app.example/api/portal/{name}", {}, {}, {"name": name}, b"", "the-id")
    return respond(lambda: app, ROUTE, request)


def policy(answer):
    return dict(part.partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("name", ["index.html", "portal.js", f"embed/{ID}"])
def test_no_page_allows_inline_code_eval_or_other_hosts(name):
    answer = ask(name)
    assert answer.status == 200
    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["script-src"] == policy(answer)["style-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_only_the_embedded_player_is_shown_in_frames_and_only_where_the_settings_say():
    assert policy(ask("index.html", embed_origins=("https://a.example",)))["frame-ancestors"] == "'none'"
    assert policy(ask(f"embed/{ID}"))["frame-ancestors"] == "*"
    origins = ("https://a.example", "https://b.example")
    assert policy(ask(f"embed/{ID}", embed_origins=origins))["frame-ancestors"] == "https://a.example https://b.example"


def test_the_embedded_player_learns_where_to_play_from_the_id_alone():
    text = ask(f"embed/{ID.upper()}").body.decode()
    assert f"video-{ID}/master.m3u8" in text
    assert f'data-rendered="https://app.example/api/Playback/{ID}/master.m3u8"' in text


def test_in_private_containers_only_rendered_playlists_lead_anywhere():
    text = ask(f"embed/{ID}", playback_access="signed").body.decode()
    assert 'data-hls=""' in text
    assert 'data-poster=""' in text


@pytest.mark.parametrize("name", ["embed/", "embed/me", f"embed/{ID}/", "embed.htm", "../settings.py", "vendor"])
def test_nothing_else_is_there(name):
    assert ask(name).status == 404


def test_the_address_with_a_slash_leads_to_the_one_without():
    assert ask("").headers["Location"] == "../portal"


def test_a_file_has_the_etag_of_its_content_and_is_read_once(monkeypatch):
    reads = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: reads.append(path.name) or read(path))
    tags = {ask("format.js").headers["ETag"] for _ in range(5)}
    assert len(tags) == 1
    assert len(reads) <= 1
    assert ask("dom.js").headers["ETag"] not in tags


@pytest.mark.parametrize("name", ["index.html", f"embed/{ID}"])
@pytest.mark.parametrize("url", ["https://app.example/api", 'https://a.example/"><script>'])
def test_a_page_knows_the_public_address_that_keys_come_from(name, url):
    text = ask(name, public_url=url).body.decode()
    assert f'<meta name="public-api" content="{html.escape(url)}">' in text
    assert "{{" not in text


def vendor_path(name):
    found = re.search(r'"portal/(vendor/[0-9a-f]{16}/)', ask("docs.html").body.decode())
    return found[1] + name


def test_a_script_whose_path_has_the_version_of_its_content_is_kept_by_browsers():
    plain, kept = ask("vendor/hls.min.js"), ask(vendor_path("hls.min.js"))
    assert kept.body == plain.body
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Cache-Control"] == "no-cache"


def test_the_scripts_of_another_release_are_not_kept():
    answer = ask(f"vendor/{'0' * 16}/hls.min.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert ask(vendor_path("nothing.js")).status == 404
    assert ask(vendor_path(vendor_path("hls.min.js"))).status == 404


@pytest.mark.parametrize("name", ["index.html", f"embed/{ID}"])
def test_pages_know_the_version_of_the_scripts(name):
    version = vendor_path("").split("/")[1]
    assert f'<meta name="vendor" content="{version}">' in ask(name).body.decode()
