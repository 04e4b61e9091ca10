"""GraphiQL, served from the service's own origin alone.

`dist` contains the output of `npm run build`, each file compressed with gzip.
"""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from graphql import GraphQLSchema
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from graph.explorer.examples import examples
from graph.http.response import accepts_gzip, is_unchanged

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
}

PIECE_BYTES = 65_536

_DIST = Path(__file__).parent / "dist"
_PAGE = Template((_DIST / "index.html").read_text(encoding="utf-8"))
_ASSETS = {
    file.name.removesuffix(".gz"): file
    for file in _DIST.iterdir()
    if Path(file.name.removesuffix(".gz")).suffix in _MEDIA_TYPES
}


class Page:
    """Sends GraphiQL's page, which sends operations to the URL it was loaded from.

    Its files are loaded from below that URL (`/graphql/explorer/` for `/graphql`), so that it works
    behind a proxy and under any prefix.

    Args:
        schema: the first tabs show operations of it; None to disclose nothing, as all visitors get
            the page, without a token.
        title: title of the page.
        name: name of the command.
    """

    def __init__(self, schema: GraphQLSchema | None, title: str, name: str) -> None:
        self._filled = {
            "name": escape(name),
            "title": escape(title),
            "examples": escape(json.dumps(examples(schema, name))),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Relative URLs start at the last segment of the page's path.
        here = scope["path"].rpartition("/")[2]
        assets = "/".join(filter(None, (".", quote(here), "explorer")))
        content = _PAGE.substitute(self._filled, assets=assets)
        etag = f'"{sha256(content.encode()).hexdigest()[:16]}"'
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "ETag": etag,
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        }
        given = Headers(scope=scope).get("if-none-match", "").encode("latin-1")
        unchanged = is_unchanged(given, etag.encode())
        response = Response(status_code=304) if unchanged else HTMLResponse(content)
        response.headers.update(headers)
        await response(scope, receive, send)


async def asset(request: Request) -> Response:
    """Send the file of this name.

    Raises:
        HTTPException: 404, if it does not exist.
    """
    name = request.path_params["name"]
    file = _ASSETS.get(name)
    if file is None:
        raise HTTPException(404)
    packed = file.suffix == ".gz"
    headers = {
        # Compressed files are named by a hash of their content; licences are not.
        "Cache-Control": "public, max-age=31536000, immutable" if packed else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    media_type = _MEDIA_TYPES[Path(name).suffix]
    if not packed:
        return FileResponse(file, headers=headers, media_type=media_type)
    headers["Vary"] = "Accept-Encoding"
    accepted = ", ".join(request.headers.getlist("accept-encoding"))
    if accepts_gzip(accepted.encode("latin-1")):
        headers["Content-Encoding"] = "gzip"
        return FileResponse(file, headers=headers, media_type=media_type)
    pieces = _pieces(file)
    headers["Content-Length"] = str(sum(map(len, pieces)))
    return StreamingResponse(_each(pieces), headers=headers, media_type=media_type)


@cache
def _pieces(file: Path) -> Sequence[bytes]:
    """Decompress a file for clients that do not accept gzip; takes up to 15 ms, once."""
    content = gzip.decompress(file.read_bytes())
    return [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]


async def _each(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces that all clients share: each is sent once the client has read the one before."""
    for piece in pieces:
        yield piece
