#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares openapi.yaml, the headers beside it and the programs: check_openapi.py OPENAPI
CONTRACT_DUMP; 1 = they differ."""

import json
import pathlib
import re
import subprocess
import sys

import yaml

SCALARS = {
    "a string": {"type": "string"},
    "true or false": {"type": "boolean"},
    "a whole number": {"type": "integer"},
    "a UUID": {"type": "string", "format": "uuid"},
}
# Keys of a schema that say nothing about its shape.
PROSE = {"description", "default", "example", "minimum", "maximum"}


def expected(kind):
    """The schema that openapi.yaml should have for a member."""
    if isinstance(kind, list):
        return {"type": "array", "items": expected(kind[0])}
    if isinstance(kind, dict):
        return {"type": "string", "enum": kind["enum"]}
    if kind == "map":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    return SCALARS.get(kind) or {"$ref": f"#/components/schemas/{kind}"}


def shape(schema):
    """`schema` without its prose; a $ref with a description beside it is written with allOf."""
    if isinstance(schema, list):
        return [shape(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if len(schema.get("allOf", [])) == 1:
        return shape(schema["allOf"][0])
    return {key: shape(value) for key, value in schema.items() if key not in PROSE}


def check_routes(document, routes):
    listed = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                listed[method.upper(), path] = operation
    real = {(route["method"], route["path"]): route for route in routes}
    for key in sorted(listed.keys() ^ real.keys()):
        yield f"{' '.join(key)}: only {'in openapi.yaml' if key in listed else 'in the daemon'}"
    for key in sorted(listed.keys() & real.keys()):
        operation, route = listed[key], real[key]
        if operation.get("x-role") != route["role"]:
            yield f"{' '.join(key)}: x-role is {operation.get('x-role')}, really {route['role']}"
        if ("requestBody" in operation) != (route["body"] > 0):
            yield f"{' '.join(key)}: a body, or none, against the daemon's table"
        if "default" not in operation["responses"]:
            yield f"{' '.join(key)}: no response for errors"
        if not operation.get("operationId") or not operation.get("summary"):
            yield f"{' '.join(key)}: no operationId or summary"


def check_structs(document, structs):
    schemas = document["components"]["schemas"]
    for name, fields in structs.items():
        schema = schemas.get(name)
        if schema is None:
            yield f"schema {name} is missing"
            continue
        if schema.get("additionalProperties") is not False:
            yield f"schema {name}: additionalProperties is not false"
        properties = schema.get("properties", {})
        for field in sorted(properties.keys() ^ fields.keys()):
            yield f"{name}.{field}: only {'in openapi.yaml' if field in properties else 'in the codec'}"
        for field in properties.keys() & fields.keys():
            wanted = expected(fields[field]["kind"])
            if shape(properties[field]) != wanted:
                yield f"{name}.{field}: is {shape(properties[field])}, should be {wanted}"
        required = {field for field in fields if fields[field]["required"]}
        if set(schema.get("required", [])) != required:
            yield f"schema {name}: required is {schema.get('required')}, really {sorted(required)}"


def declared_members(headers):
    """{struct: its members} as the headers of the contract declare them."""
    text = re.sub(r"//[^\n]*", "", "\n".join(headers))
    found, open_structs, depth = {}, [], 0
    for statement in re.findall(r"[^;{}]*[;{}]", text):
        end = statement[-1]
        struct = re.search(r"\bstruct (\w+)\s*\{$", statement)
        inside = open_structs and open_structs[-1][1] == depth
        if struct:
            open_structs.append((struct.group(1), depth + 1))
            found[struct.group(1)] = set()
        elif inside and end in ";{" and "(" not in statement:
            # A default in braces ends at its '{'; what stands before it is the declaration.
            declaration = re.sub(r"=[^,;]*", "", statement[:-1])
            while "<" in declaration:
                declaration = re.sub(r"<[^<>]*>", "", declaration)
            names = re.match(r"\s*[\w:]+(\s+\w+(?:\s*,\s*\w+)*)\s*$", declaration)
            if names:
                found[open_structs[-1][0]] |= set(re.findall(r"\w+", names.group(1)))
        depth += (end == "{") - (end == "}")
        if open_structs and depth < open_structs[-1][1]:
            open_structs.pop()
    return found


def check_headers(headers, structs):
    declared = declared_members(headers)
    for name, fields in structs.items():
        for member in sorted(declared.get(name, set()) ^ fields.keys()):
            yield f"{name}.{member}: only {'in the codec' if member in fields else 'in the header'}"


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def check_references(document):
    for reference in sorted(set(references(document))):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            yield f"{reference} leads nowhere"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = yaml.safe_load(file)
    dump = json.loads(subprocess.run([sys.argv[2]], check=True, capture_output=True).stdout)
    headers = [pathlib.Path(sys.argv[1]).with_name(name).read_text(encoding="utf-8")
               for name in ("spec.hpp", "view.hpp", "requests.hpp", "device_requests.hpp",
                            "settings_requests.hpp", "guest.hpp", "revision.hpp", "job.hpp",
                            "claims.hpp", "comparison.hpp", "scheduling.hpp", "machine_requests.hpp", "codec.hpp")]
    faults = [*check_routes(document, dump["routes"]), *check_structs(document, dump["structs"]),
              *check_headers(headers, dump["structs"]), *check_references(document)]
    print("\n".join(faults))
    print(f"{len(dump['routes'])} routes, {len(dump['structs'])} schemas, {len(faults)} differences")
    return 1 if faults or not dump["routes"] else 0


if __name__ == "__main__":
    sys.exit(main())
