"""Rows of an Arrow table in the canonical form that canonical.ts gives too: two engines hold the same rows when the texts are equal.

null -> None; a value is text with its kind in front: "bool:true", "int:5" (any width), "f32:<hex bits>", "f64:<hex bits>" with one NaN,
"dec:12.30" (with its scale), "str:...", "bin:<hex>", "date:<days>", "ts:<microseconds UTC>", "ntz:<microseconds>"; an array is
["array", ...], a map ["map", [key, value]...] sorted by key, a struct ["struct", [name, value]...] in the order of its fields.
"""
import decimal
import json
import struct

import pyarrow as pa
import pyarrow.compute as pc


def rows(table):
    columns = [(field.name, values(table.column(i))) for i, field in enumerate(table.schema)]
    return [[[name, column[r]] for name, column in columns] for r in range(table.num_rows)]


def values(column):
    if isinstance(column, pa.ChunkedArray):
        return [value for chunk in column.chunks for value in values(chunk)]
    kind = column.type
    if pa.types.is_dictionary(kind):
        return values(column.cast(kind.value_type))
    if isinstance(column, pa.ExtensionArray):
        return values(column.storage)
    if pa.types.is_struct(kind):
        children = [(kind.field(i).name, values(column.field(i).slice(0, len(column)))) for i in range(kind.num_fields)]
        valid = column.is_valid().to_pylist()
        return [["struct", *[[name, child[r]] for name, child in children]] if valid[r] else None for r in range(len(column))]
    if pa.types.is_map(kind):
        return nested(column, lambda part: ["map", *sorted(map(list, zip(values(part.field(0)), values(part.field(1)))), key=lambda pair: json.dumps(pair[0]))])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return nested(column, lambda part: ["array", *values(part)])
    return [None if value is None else scalar(value, kind) for value in plain(column, kind)]


def nested(column, form):
    valid = column.is_valid().to_pylist()
    return [form(column[r].values) if valid[r] else None for r in range(len(column))]


def plain(column, kind):
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).to_pylist()
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.int32()).to_pylist()
    return column.to_pylist()


def scalar(value, kind):
    if pa.types.is_boolean(kind):
        return "bool:true" if value else "bool:false"
    if pa.types.is_integer(kind):
        return f"int:{value}"
    if pa.types.is_float32(kind):
        return "f32:NaN" if value != value else "f32:" + struct.pack(">f", value).hex()
    if pa.types.is_float64(kind):
        return "f64:NaN" if value != value else "f64:" + struct.pack(">d", value).hex()
    if pa.types.is_decimal(kind):
        return "dec:" + format(value.quantize(decimal.Decimal(1).scaleb(-kind.scale), context=decimal.Context(prec=80)), "f")
    if pa.types.is_timestamp(kind):
        return f"{'ts' if kind.tz else 'ntz'}:{value}"
    if pa.types.is_date(kind):
        return f"date:{value}"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return f"str:{value}"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return "bin:" + bytes(value).hex()
    if pa.types.is_null(kind):
        return None
    raise TypeError(f"no canonical form for {kind}")
