"""The APISIX Admin API: the only room that knows how changes travel to the gateway."""
