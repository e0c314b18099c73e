"""A validator for the part of JSON Schema that the documents of the command line need."""

TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
KEYWORDS = {
    *("$ref", "$defs", "$schema", "title", "description", "const", "type", "oneOf", "anyOf"),
    *("properties", "required", "additionalProperties", "items"),
}


def errors(value, schema, root, where="document"):
    """Yield what is wrong with a value, each as a sentence."""
    assert set(schema) <= KEYWORDS, set(schema) - KEYWORDS
    if "$ref" in schema:
        yield from errors(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            fitting = sum(not list(errors(value, option, root, where)) for option in schema[keyword])
            if not fitting or (keyword == "oneOf" and fitting > 1):
                yield f"{where}: fits {fitting} of {len(schema[keyword])} schemas"
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "type" in schema and not _has_type(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
    if isinstance(value, dict):
        yield from _errors_of_object(value, schema, root, where)
    if isinstance(value, list) and "items" in schema:
        for k, item in enumerate(value):
            yield from errors(item, schema["items"], root, f"{where}[{k}]")


def _has_type(value, names):
    names = [names] if isinstance(names, str) else names
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, TYPES[name]) for name in names)


def _errors_of_object(value, schema, root, where):
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{where}: no {name!r}" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in properties:
            yield from errors(item, properties[name], root, f"{where}.{name}")
        elif others is False:
            yield f"{where}: unknown {name!r}"
        elif others is not True:
            yield from errors(item, others, root, f"{where}.{name}")
