"""Transcription in OpenAI's shape, inspection, and the list of models."""

import functools
import io
import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal

from ..inference.formats import verbose, written
from ..inference.transcript import Segment
from ..utils.errors import InputError
from ..utils.run_dir import to_json
from .documents import ERRORS, INSPECTION, MODEL_LIST, SPOKEN, TRANSCRIPTION
from .refusals import refusal
from .state import Served, Service
from .worker import ClientGone, left


Format = Literal["json", "text", "srt", "vtt", "verbose_json"]
Method = Literal["auto", "nar", "nar_beam", "ctc", "ctc_beam", "ar", "ar_beam"]


def add_transcriptions(app: Any, service: Service) -> None:
    """`POST /v1/audio/transcriptions`."""
    from fastapi import Form, Request, Response, UploadFile

    def said(name: str, **limits: Any) -> Any:
        return Form(description=SPOKEN[name], **limits)

    words = Form(alias="timestamp_granularities[]", description=SPOKEN["granularities"])

    @app.post("/v1/audio/transcriptions", responses=TRANSCRIPTION | ERRORS)
    async def transcriptions(
        request: Request,
        file: UploadFile,
        model: Annotated[str, said("model")] = "",
        response_format: Annotated[Format, Form()] = "json",
        language: Annotated[str, said("language", max_length=32)] = "",
        prompt: Annotated[str, said("prompt", max_length=2000)] = "",
        temperature: Annotated[float, said("temperature", ge=0, le=1)] = 0.0,
        granularities: Annotated[list[Literal["word", "segment"]], words] = [],  # noqa: B006
        method: Annotated[Method, said("method")] = "auto",
        stream: Annotated[bool, said("stream")] = False,
    ) -> Response:
        """Transcribe an audio file."""
        served = _served(service, model)
        _check_fields(served, method, stream)

        def call(audio: Any, go_on: Callable) -> Any:
            words = _hotwords(served.recognizer, prompt, method)
            return served.recognizer.transcribe(
                *audio, method=method, hotwords=words, on_segment=go_on
            )

        limit = service.limits.seconds
        transcript = await _recognise(service, request, file, limit, call)
        more = {"language": language} if language else {}
        kind, body = written(
            transcript, response_format, "word" in granularities, **more
        )
        headers = _about(service, served, transcript)
        return Response(body, media_type=kind, headers=headers)


def add_inspection(app: Any, service: Service) -> None:
    """`POST /v1/audio/inspect`."""
    from fastapi import Request, Response, UploadFile

    @app.post("/v1/audio/inspect", responses=INSPECTION | ERRORS)
    async def inspect(request: Request, file: UploadFile) -> Response:
        """Transcribe, and give the log-mel, the alphas and the boundaries too."""
        served = _served(service)
        from ..app.picture import picture  # of torch, which is imported by now

        def call(audio: Any, go_on: Callable) -> Any:
            recognizer = served.recognizer
            said = recognizer.transcribe(*audio, on_segment=go_on)
            return said, recognizer.inspect(*audio)

        limit = service.limits.inspect_seconds
        transcript, inside = await _recognise(service, request, file, limit, call)
        pieces = served.recognizer.ctc_pieces
        body = to_json({"transcript": verbose(transcript)} | picture(inside, pieces))
        headers = _about(service, served, transcript)
        return Response(body, media_type="application/json", headers=headers)


def add_models(app: Any, service: Service) -> None:
    """`GET /v1/models`."""

    @app.get("/v1/models", responses=MODEL_LIST)
    async def models() -> dict[str, Any]:
        """The model that is served, with the beginning of its file's SHA-256."""
        served = _served(service)
        model = {
            "id": served.name,
            "object": "model",
            "created": served.created,
            "owned_by": "local",
            "sha256": served.checkpoint,
            "sample_rate": served.recognizer.sample_rate,
        }
        return {"object": "list", "data": [model]}


def _served(service: Service, model: str = "") -> Served:
    served = service.served
    if served is None:
        raise refusal(503, "the model is being loaded", **{"Retry-After": "2"})
    if model and model != served.name:
        raise refusal(
            404,
            f"model {model[:60]!r} is not served here, but {served.name!r}: "
            "name that, or leave the field out",
        )
    return served


async def _recognise(
    service: Service, request: Any, file: Any, seconds: float, call: Callable
) -> Any:
    """What `call` makes of the audio in `file`; both in the model's thread.

    Once nobody waits for it any more, long audio is given up: after a second of
    decoding, or between two segments.
    """
    from ..inference.uploads import read_upload

    given_up = threading.Event()

    def go_on(segment: Segment | None = None) -> None:
        if given_up.is_set():
            raise ClientGone

    def job() -> Any:
        file.file.seek(0)
        content = io.BytesIO(file.file.read())
        return call(read_upload(content, seconds, go_on), go_on)

    deadline = service.limits.deadline_s
    gone = functools.partial(left, request)
    try:
        return await service.worker.run(job, deadline_s=deadline, gone=gone)
    finally:
        given_up.set()


def _hotwords(recognizer: Any, prompt: str, method: str) -> tuple[str, ...]:
    """Words of `prompt` that the model can write, where its method heeds any."""
    if method != "auto" and not method.endswith("beam"):
        return ()
    return tuple(word for word in prompt.split() if _can_write(recognizer, word))


def _can_write(recognizer: Any, word: str) -> bool:
    try:
        recognizer.helps([word])
    except InputError:
        return False
    return True


def _check_fields(served: Served, method: str, stream: bool) -> None:
    if stream:
        raise refusal(
            422,
            "stream: no partial texts come here: leave the field out, or send the "
            "audio over the WebSocket /v1/audio/stream",
        )
    known = ("auto", *served.recognizer.methods)
    if method not in known:
        raise refusal(422, f"method: this model has {', '.join(known)}, not {method}")


def _about(service: Service, served: Served, transcript: Any) -> dict[str, str]:
    """Headers that name the model, its file and the time that it took."""
    service.metrics.add("asr_audio_seconds_total", transcript.seconds)
    service.metrics.add("asr_model_seconds_total", transcript.processing_s)
    return {
        "x-model": served.name.encode("ascii", "replace").decode(),
        "x-checkpoint": served.checkpoint,
        "server-timing": f"model;dur={1000 * transcript.processing_s:.1f}",
    }
