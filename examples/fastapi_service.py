"""FastAPI: two lines. `uvicorn fastapi_service:app --host 0.0.0.0 --port 8000`."""

from consul_init import InstanceGuard, consul_lifespan
from fastapi import FastAPI

app = FastAPI(lifespan=consul_lifespan())
app.add_middleware(InstanceGuard)  # a dead pod's check, which comes to us because we have its address now, fails


@app.get("/health")
async def health() -> str:
    """Keep it constant: a changed output of a check wakes all who watch Consul."""
    return "ok"


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"message": "hello world"}
