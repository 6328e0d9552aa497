"""A FastAPI application with the lifespan, as a service owner writes it: one line."""

from consul_init import InstanceGuard, consul_lifespan
from fastapi import FastAPI

app = FastAPI(lifespan=consul_lifespan())
app.add_middleware(InstanceGuard)


@app.get("/health")
async def health() -> str:
    return "ok"
