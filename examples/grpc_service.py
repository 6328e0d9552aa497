"""A gRPC server, whose health Consul asks by gRPC: `SERVICE_CHECK_TYPE=grpc python grpc_service.py`.

A loop's signal handlers cannot be preceded by the library's, so the program says itself when it leaves.
"""

import asyncio
import os
import signal

import grpc
from consul_init import Registered
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


async def serve() -> None:
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(f"0.0.0.0:{os.environ['SERVICE_PORT']}")
    await server.start()

    stop_asked = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop_asked.set)
    async with Registered(handle_signals=False) as registered:
        await stop_asked.wait()
        await registered.leave_async()  # out of Consul, then the drain: the server answers on
    await server.stop(grace=5)


asyncio.run(serve())
