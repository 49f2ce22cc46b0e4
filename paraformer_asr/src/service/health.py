"""Whether the service lives, is ready, and what it has done so far."""

from typing import Any

from .documents import HEALTH, METRICS, READY
from .refusals import refusal
from .state import Service


def add_health(app: Any, service: Service) -> None:
    """`/healthz`, `/readyz` and `/metrics`; none of them waits for the model."""
    from fastapi.responses import PlainTextResponse

    @app.get("/healthz", responses=HEALTH)
    async def alive() -> dict[str, str]:
        """200 as long as the process can answer."""
        return {"status": "alive"}

    @app.get("/readyz", responses=READY)
    async def ready() -> dict[str, str]:
        """200 once the model is loaded and has transcribed a second of silence."""
        if service.served is None:
            raise refusal(503, "the model is being loaded", **{"Retry-After": "2"})
        served = service.served
        return {"status": "ready", "model": served.name, "sha256": served.checkpoint}

    @app.get("/metrics", response_class=PlainTextResponse, responses=METRICS)
    async def metrics() -> PlainTextResponse:
        """Counts for Prometheus."""
        kind = "text/plain; version=0.0.4"
        return PlainTextResponse(service.metrics.text(), media_type=kind)
