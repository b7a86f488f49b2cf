"""The fingerprints of spec/fingerprint.md once more, from the page alone and with nothing but the standard library.

    fingerprint.py rows  < {"schema": ..., "rows": [[...], ...]}     the digest of rows, values as the page's test vectors spell them
    fingerprint.py files TABLE                                       id and files of the newest version, out of a log of commits alone
"""
import base64
import hashlib
import json
import os
import struct
import sys
import urllib.parse


def sized(text):
    return b"%d:%s" % (len(text.encode()), text.encode())


def columns(schema):
    return b"".join(sized(field["name"]) + b" " + type_text(field["type"]) + b"," for field in schema["fields"])


def type_text(kind):
    if isinstance(kind, str):
        return kind.encode()
    if kind["type"] == "array":
        return b"array<" + type_text(kind["elementType"]) + b">"
    if kind["type"] == "map":
        return b"map<" + type_text(kind["keyType"]) + b"," + type_text(kind["valueType"]) + b">"
    return b"struct<" + columns(kind) + b">"


def bits(value, form, whole):
    number = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get(value, value)
    number = float(number)
    if number != number:
        return b"nan"
    if number == 0:
        return b"0"
    return b"%d" % struct.unpack(whole, struct.pack(form, number))[0]


def value_text(value, kind):
    if value is None:
        return b""
    if isinstance(kind, dict):
        if kind["type"] == "array":
            return b"[" + b"".join(value_text(item, kind["elementType"]) + b"," for item in value) + b"]"
        if kind["type"] == "map":
            entries = [value_text(k, kind["keyType"]) + b"=" + value_text(v, kind["valueType"]) + b"," for k, v in value]
            return b"<" + b"".join(sorted(entries)) + b">"
        return b"{" + row_text(value, kind) + b"}"
    if kind == "string":
        return sized(value)
    if kind == "binary":
        raw = base64.b64decode(value)
        return b"%d:%s" % (len(raw), raw.hex().upper().encode())
    if kind == "boolean":
        return b"true" if value else b"false"
    if kind == "double":
        return bits(value, ">d", ">q")
    if kind == "float":
        return bits(value, ">f", ">i")
    return str(value).encode()


def row_text(values, schema):
    return b"".join(value_text(value, field["type"]) + b"," for value, field in zip(values, schema["fields"]))


def digest(data):
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


def rows_digest(schema, rows):
    total = digest(b"varve rows 1\n" + columns(schema))
    for row in rows:
        total += digest(row_text(row, schema))
    return "%064x" % (total % (1 << 256))


def fingerprints(table):
    log = os.path.join(table, "_delta_log")
    commits = sorted(name for name in os.listdir(log) if name.endswith(".json") and len(name) == 25)
    chain, files, metadata = "0", {}, None
    for name in commits:
        with open(os.path.join(log, name), "rb") as file:
            data = file.read()
        chain = hashlib.sha256(chain.encode() + data).hexdigest()
        actions = [json.loads(line) for line in data.splitlines() if line.strip()]
        for action in actions:
            if "remove" in action:
                files.pop(key_of(action["remove"]), None)
        for action in actions:
            if "add" in action:
                files[key_of(action["add"])] = action["add"]
            metadata = action.get("metaData", metadata)
    schema, partitions = json.loads(metadata["schemaString"]), metadata["partitionColumns"]
    physical = {f["name"]: f["metadata"].get("delta.columnMapping.physicalName", f["name"]) for f in schema["fields"]}
    lines = []
    for add in files.values():
        values = b"".join((sized(v) if v else b"") + b"," for v in (add["partitionValues"].get(physical[name]) for name in partitions))
        vector = vector_hash(table, add["deletionVector"]) if add.get("deletionVector") else "-"
        path = os.path.join(table, urllib.parse.unquote(add["path"]))
        lines.append(("%s %s " % (file_hash(path), vector)).encode() + values + b"\n")
    head = b"varve files 1\n" + columns(schema) + b"\n" + b"".join(sized(name) + b"," for name in partitions) + b"\n"
    return {"id": chain, "files": hashlib.sha256(head + b"".join(sorted(lines))).hexdigest()}


def key_of(action):
    vector = action.get("deletionVector") or {}
    return (urllib.parse.unquote(action["path"]), vector.get("pathOrInlineDv"), vector.get("offset"))


def file_hash(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def vector_hash(table, vector):
    text, size = vector["pathOrInlineDv"], vector["sizeInBytes"]
    if vector["storageType"] == "i":
        return hashlib.sha256(z85(text)[:size]).hexdigest()
    prefix, name = text[:-20], z85(text[-20:]).hex()
    uuid = "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))
    with open(os.path.join(table, prefix, "deletion_vector_%s.bin" % uuid), "rb") as file:
        data = file.read()
    start = vector.get("offset", 1) + 4
    return hashlib.sha256(data[start : start + size]).hexdigest()


def z85(text):
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    whole = b""
    for at in range(0, len(text), 5):
        number = 0
        for letter in text[at : at + 5]:
            number = number * 85 + digits.index(letter)
        whole += number.to_bytes(4, "big")
    return whole


if __name__ == "__main__":
    if sys.argv[1] == "rows":
        asked = json.load(sys.stdin)
        print(json.dumps([rows_digest(one["schema"], one["rows"]) for one in asked]))
    else:
        print(json.dumps(fingerprints(sys.argv[2])))
