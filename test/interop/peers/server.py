"""Requests as lines of JSON on stdin, answers as lines of JSON on stdout: {"id", "op", ...arguments} -> {"id", "result"} or {"id", "error"}.

What libraries and the JVM print goes to stderr. The process ends when stdin does.
"""
import json
import os
import sys


def serve(operations):
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        number = request.pop("id")
        try:
            answer = {"id": number, "result": operations[request.pop("op")](**request)}
        except Exception as error:
            answer = {"id": number, "error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
