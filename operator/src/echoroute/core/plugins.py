"""The plugins of Apache APISIX 3.18, by what their configuration can reach. The table behind the policy.

Each entry was judged by the plugin's source and documentation. The question is what somebody who writes the plugin's
config, and nothing else, can make the gateway do. Names that are not here (own plugins, later ones) count as closed.
"""

from enum import StrEnum


class PluginClass(StrEnum):
    """What a plugin's config can reach."""

    PLAIN = "plain"
    """The route's own requests and responses, and its backend."""
    NETWORK = "network"
    """Addresses that its config or plugin metadata names: limited by the network policy of the gateway alone."""
    CLOSED = "closed"
    """Code, files, environment, secrets, processes or control endpoints of the gateway, or other teams' traffic."""


_PLAIN = """
    acl ai-prompt-decorator ai-prompt-guard api-breaker attach-consumer-label basic-auth client-control
    consumer-restriction cors csrf data-mask degraphql echo fault-injection graphql-proxy-cache grpc-transcode grpc-web
    gzip hmac-auth http-dubbo ip-restriction jwe-decrypt jwt-auth kafka-proxy key-auth mocking multi-auth prometheus
    proxy-buffering proxy-control proxy-rewrite real-ip redirect referer-restriction request-id request-validation
    response-rewrite saml-auth traffic-label ua-restriction uri-blocker workflow
"""

_NETWORK = """
    ai-aliyun-content-moderation ai-aws-content-moderation ai-cache ai-lakera-guard ai-rag authz-casdoor authz-keycloak
    aws-lambda cas-auth chaitin-waf clickhouse-logger datadog dingtalk-auth elasticsearch-logger feishu-auth
    forward-auth graphql-limit-count http-logger kafka-logger lago ldap-auth ldap-auth-advanced limit-conn limit-count
    limit-req loggly loki-logger oas-validator openfunction openid-connect openwhisk proxy-mirror rocketmq-logger
    skywalking-logger sls-logger splunk-hec-logging syslog tcp-logger tencent-cloud-cls traffic-split udp-logger
    wolf-rbac zipkin
"""

_GCP = "without a service account of its own it uses the gateway's GCP_SERVICE_ACCOUNT, at an address of the config"
_RUNNER = "hands requests to the external plugin runner with code and configuration of the runner's"

CLOSED: dict[str, str] = {
    "ai": "generates Lua code for the router of the whole gateway",
    "ai-prompt-template": "its templates are lua-resty-template, which is Lua code",
    "ai-proxy": _GCP,
    "ai-proxy-multi": _GCP,
    "ai-rate-limiting": "its cost_expr is a Lua expression that the gateway runs",
    "ai-request-rewrite": _GCP,
    "authz-casbin": "its model_path and policy_path read files of the gateway",
    "azure-functions": "sends the master key of its plugin metadata to the function_uri of the config",
    "body-transformer": "its templates are lua-resty-template, which is Lua code",
    "example-plugin": "an example for plugin authors, which opens control endpoints",
    "ext-plugin-post-req": _RUNNER,
    "ext-plugin-post-resp": _RUNNER,
    "ext-plugin-pre-req": _RUNNER,
    "file-logger": "its path makes the gateway write to any file that it can",
    "google-cloud-logging": "its auth_file reads a file of the gateway",
    "inspect": "loads Lua debugging hooks into the gateway",
    "mcp-bridge": "starts the process that its command names",
    "opa": "its with_consumer sends consumers with their credentials to an address of the config",
    "proxy-cache": "a freely chosen cache_key reads or purges what other routes have in the same cache zone",
    "public-api": "makes internal endpoints of the gateway public",
    "serverless-post-function": "its functions are Lua code",
    "serverless-pre-function": "its functions are Lua code",
}
"""The closed plugins with the reason of each."""

_CLASSES: dict[str, PluginClass] = {
    **dict.fromkeys(_PLAIN.split(), PluginClass.PLAIN),
    **dict.fromkeys(_NETWORK.split(), PluginClass.NETWORK),
    **dict.fromkeys(CLOSED, PluginClass.CLOSED),
}


def plugin_class(name: str) -> PluginClass | None:
    """The class of a plugin; None for a name that the table does not know."""
    return _CLASSES.get(name)


def known_plugins() -> frozenset[str]:
    """The names of all plugins in the table."""
    return frozenset(_CLASSES)
