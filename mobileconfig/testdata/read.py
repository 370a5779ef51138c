"""Prints every value of a property list with its kind, as plistlib reads it."""
import datetime
import json
import plistlib
import sys


def lines(value, path):
    if isinstance(value, dict):
        for key in sorted(value):
            lines(value[key], f"{path}/{key}")
    elif isinstance(value, list):
        for i, child in enumerate(value):
            lines(child, f"{path}/{i}")
    elif isinstance(value, bool):
        print(path, "boolean", '"true"' if value else '"false"')
    elif isinstance(value, int):
        print(path, "integer", f'"{value}"')
    elif isinstance(value, datetime.datetime):
        print(path, "date", f'"{value.isoformat()}Z"')
    else:
        print(path, "string", json.dumps(value, ensure_ascii=False))


with open(sys.argv[1], "rb") as file:
    lines(plistlib.load(file), "")
