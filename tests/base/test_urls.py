import pytest

from spancast.base.urls import location, origin, without_user_info

URL = "https://me:secret@api.example:8443/v1/key?token=abc#part"


def test_without_user_info_keeps_everything_behind_it():
    assert without_user_info(URL) == "https://api.example:8443/v1/key?token=abc#part"


def test_location_has_no_user_info_query_or_fragment():
    assert location(URL) == "https://api.example:8443/v1/key"


def test_origin_has_no_path():
    assert origin(URL) == "https://api.example:8443"


@pytest.mark.parametrize("url", [None, "", "http://[half"])
def test_what_is_no_url_has_no_location(url):
    assert location(url) is None
