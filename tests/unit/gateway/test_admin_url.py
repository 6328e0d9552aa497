"""Where the Admin API is, and which APISIX answers there."""

import pytest
from echoroute.errors import GatewayUnauthorized, GatewayUnavailable, SettingsError
from echoroute.gateway.version import apisix_version

from .objects import ABSENT


@pytest.mark.parametrize(
    ("status", "answer", "error", "why"),
    [
        (404, ABSENT, None, "answers and takes the key"),
        (200, {}, None, "somebody has such a route"),
        (401, {"error_msg": "failed to check token"}, GatewayUnauthorized, ""),
        (503, {"error_msg": "has no healthy etcd endpoint available"}, GatewayUnavailable, ""),
        (404, {"error_msg": "404 Route Not Found"}, GatewayUnavailable, "the data plane's port"),
    ],
)
async def test_the_probe_is_one_request_that_tells_server_and_trouble(server, api, *, status, answer, error, why):
    server.always(status, answer)
    if error is None:
        assert await api.probe() == "APISIX/3.18.0", why
    else:
        with pytest.raises(error):
            await api.probe()
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:{}", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/apisix/admin/", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/gw/apisix/admin", "/gw/apisix/admin/routes"),
    ],
)
async def test_the_urls_path_defaults_to_the_admin_apis(server, connect, url, path):
    server.always(200, {"list": [], "total": 0})
    await connect(url.format(server.port)).list()
    assert server.seen[-1].path == path


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:9180", "no scheme"),
        ("ftp://gateway", "another scheme"),
        ("http://", "no host"),
        ("http://gateway:port", "no number"),
        ("http://admin:hunter2@gateway", "a password that would be logged"),
        ("http://gateway/?api_key=hunter2", "a key that would be logged"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_by_the_settings_name(connect, url, why):
    with pytest.raises(SettingsError, match="ECHOROUTE_APISIX_ADMIN_URL") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value), why


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ("APISIX/3.18.0", (3, 18)),
        ("APISIX/3.18.0-standin", (3, 18)),
        ("APISIX/3.9.1", (3, 9)),
        ("APISIX", None),
        ("nginx/1.27", None),
        ("", None),
    ],
)
def test_version_in_the_server_header(header, version):
    assert apisix_version(header) == version
