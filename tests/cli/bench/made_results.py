"""Results of requests with chosen times."""

from array import array

from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.request_result import RequestResult
from ollama_rx.errors import OllamaError
from ollama_rx.stats import Metrics, Stats

SERVER = Metrics(
    total_duration=1.0,
    load_duration=0.25,
    prompt_eval_count=20,
    prompt_eval_duration=0.1,
    eval_count=5,
    eval_duration=0.05,
)


def made_result(
    request: int = 0,
    *,
    started: float = 0.0,
    first_token: float | None = 0.5,
    first_text: float | None = 0.5,
    gaps: tuple[float, ...] = (0.01, 0.01, 0.01, 0.03),
    duration: float = 1.0,
    metrics: Metrics | None = SERVER,
    has_thinking: bool = False,
    error: OllamaError | None = None,
    model: str = "mine",
) -> RequestResult:
    timed = metrics is not None and metrics.eval_duration is not None
    return RequestResult(
        request=request,
        started=started,
        first_token=first_token,
        first_text=first_text,
        token_gaps=array("d", gaps),
        has_thinking=has_thinking,
        stats=Stats(
            model=model,
            ended_by="error" if error else "length",
            time_to_first_chunk=None,
            time_to_first_text=None,
            duration=duration,
            gap_p50=None,
            gap_p95=None,
            gap_max=None,
            chunks=6,
            characters=15,
            metrics=metrics,
            tokens_per_second=100.0 if timed else 7.0,
            prompt_tokens_per_second=200.0 if timed else None,
        ),
        error=error,
    )


def failed_result(request: int = 0, *, started: float = 0.0, reason: str = "out of memory") -> RequestResult:
    return made_result(
        request,
        started=started,
        first_token=None,
        first_text=None,
        gaps=(),
        metrics=None,
        error=OllamaError(reason),
    )


def made_level(*results: RequestResult, streams: int = 1, requests: int | None = None) -> BenchLevel:
    return BenchLevel(
        streams=streams,
        requests=len(results) if requests is None else requests,
        begun=len(results),
        results=list(results),
    )
