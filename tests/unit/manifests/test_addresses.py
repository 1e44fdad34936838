import pytest

from connector.manifests.addresses import Addresses


@pytest.mark.parametrize(
    ("manifest", "address"),
    [
        ("master.m3u8", "video/1/0.m4s"),
        ("video/1/media.m3u8", "0.m4s"),
        ("audio/2/media.m3u8", "../../video/1/0.m4s"),
        ("smooth.ism/Manifest", "../video/1/0.m4s"),
    ],
)
def test_addresses_are_relative_to_their_manifest(manifest, address):
    assert Addresses().media("video/1/0.m4s", manifest) == address
    assert Addresses(query="sig=x&se=1").media("video/1/0.m4s", manifest) == f"{address}?sig=x&se=1"


def test_with_a_base_they_are_absolute_from_everywhere():
    addresses = Addresses("https://account.example/video-1/", "sig=a%2Bb")
    for manifest in ("master.m3u8", "video/1/media.m3u8", "smooth.ism/Manifest"):
        assert addresses.media("video/1/0.m4s", manifest) == "https://account.example/video-1/video/1/0.m4s?sig=a%2Bb"


def test_child_playlists_may_lie_elsewhere():
    addresses = Addresses("https://account.example/", "sig=x", lambda name: f"hls/{name}?token=t")
    assert addresses.child("video/1/media.m3u8", "master.m3u8") == "hls/video/1/media.m3u8?token=t"
    assert Addresses(query="sig=x").child("video/1/media.m3u8", "master.m3u8") == "video/1/media.m3u8?sig=x"


@pytest.mark.parametrize("text", ['secret"', "secret\n", "secret$Time$", "secret{bitrate}", "secret<", "secret ", "#ä"])
def test_what_could_break_out_of_a_manifest_is_refused_and_not_quoted(text):
    for wrong in (
        lambda: Addresses(base=text),
        lambda: Addresses(query=text),
        lambda: Addresses(playlist=lambda _: text).child("a", "b"),
    ):
        with pytest.raises(ValueError) as refused:
            wrong()
        assert "secret" not in str(refused.value)


def test_a_signature_is_not_shown():
    assert "secret" not in repr(Addresses(query="sig=secret"))
