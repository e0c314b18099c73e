"""What OpenAPI says of bodies and problems, with examples."""

from __future__ import annotations

from typing import Any

from gatecast.server.problems import MEDIA_TYPE
from gatecast.server.schemas import MONTHS, SALES, Form
from gatecast.server.tables import ARROW, CSV, FILES, JSON

__all__ = ["PROBLEMS", "body_of"]

EXAMPLE_CSV = "ds,y\n" + "".join(f"{month},{sale}\n" for month, sale in zip(MONTHS, SALES, strict=True))
FACTS = ("type", "title", "detail", "instance", "what", "where", "got", "expected", "fix")
PROBLEM = {
    "type": "object",
    "properties": {**{name: {"type": "string"} for name in FACTS}, "status": {"type": "integer"}},
    "required": ["type", "title", "status", "detail"],
}
PROBLEMS: dict[str, dict[str, Any]] = {
    "4XX": {"description": "What is wrong with the request", "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
}


def body_of(form: type[Form], tables: bool) -> dict[str, Any]:
    """Return the description of a body: JSON, and tables next to settings in the query."""
    schema = form.model_json_schema()
    definitions = schema.pop("$defs", {})
    content: dict[str, Any] = {JSON: {"schema": _inlined(schema, definitions), "example": schema.get("example", {})}}
    if tables:
        binary = {"type": "string", "format": "binary"}
        content[CSV] = {"schema": {"type": "string"}, "example": EXAMPLE_CSV}
        content |= {kind: {"schema": binary} for kind in (ARROW, *FILES)}
        file = {"type": "object", "properties": {"file": binary}, "additionalProperties": {"type": "string"}}
        content["multipart/form-data"] = {"schema": file}
    about = "JSON; or a table as CSV, Arrow, Parquet or XLSX, with the settings in the query or as fields of the form."
    return {"requestBody": {"description": about, "content": content}}


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with its definitions in their places."""
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(definitions[part["$ref"].rsplit("/", 1)[1]], definitions)
        return {name: _inlined(value, definitions) for name, value in part.items()}
    return [_inlined(each, definitions) for each in part] if isinstance(part, list) else part
