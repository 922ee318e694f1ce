"""Whether the embeddings endpoint answers for a model: one short text, asked once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.progress import Stopwatch
from core.settings import ENDPOINT_PREFIX, get_embedding_server
from core.stages.embed import open_endpoint

_TEXT = "How do I change the battery?"


@dataclass(frozen=True)
class Trial:
    """address: as it may be shown; dimensions: of the vector; seconds: until it was there."""

    model: str
    address: str
    dimensions: int
    seconds: float

    def describe(self) -> str:
        """ "The model 'm' answers at http://localhost:8000/v1/embeddings: 384 dimensions, 0.12 s." """
        return f"The model {self.model!r} answers at {self.address}: {self.dimensions:,} dimensions, {self.seconds:.2f} s."


def try_endpoint(model: str, limits: Limits, *, watch: Watch | None = None) -> Trial:
    """Asks for one vector. model: its name there, with or without "endpoint:". Raises ModelUnavailable with what is wrong."""
    from core.endpoints.embeddings import EMBEDDINGS  # before the clock runs: it takes longer than many an answer

    name = model.removeprefix(ENDPOINT_PREFIX)
    encoder = open_endpoint(ENDPOINT_PREFIX + name, get_embedding_server())
    encoder = replace(encoder, limits=replace(limits, tries=1), watch=watch or Watch())
    with Stopwatch() as stopwatch:
        vectors = encoder.encode([_TEXT], role="query").vectors
    return Trial(name, encoder.server.show(EMBEDDINGS), vectors.shape[1], stopwatch.seconds)


def describe_endpoint() -> str:
    """Where models named "endpoint:NAME" are asked for, and whether with a key; neither key nor password stands in it."""
    server = get_embedding_server()
    if server is None:
        return "No embeddings endpoint is set: EMBEDDINGS_BASE_URL names one, such as http://localhost:8000/v1."
    with_key = f"with the key of {server.key_variable}" if server.key else f"without a key ({server.key_variable} is not set)"
    return f"The embeddings endpoint is {server.show('embeddings')}, asked {with_key}."
