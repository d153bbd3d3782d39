"""Calls every function of a client's script and prints, as JSON, what each gave or how it failed.

python run.py NAME [FUNCTION]: the functions of NAME.py beside this file, in their order, or that one. The scripts know nothing of
this one: they use their client as its documentation does.
"""

import importlib
import inspect
import json
import sys


def outcome(ask):
    try:
        return {"value": ask()}
    except Exception as error:
        return {"kinds": kinds_of(error), "message": str(error)[:2000]}


def kinds_of(error):
    """Names of its class and of what that derives from, then those of what it was raised from."""
    kinds = []
    while error is not None:
        kinds += [kind.__name__ for kind in type(error).__mro__]
        error = error.__cause__
    return kinds


script = importlib.import_module(sys.argv[1])
asked = [
    (name, ask)
    for name, ask in inspect.getmembers(script, inspect.isfunction)
    if name in (sys.argv[2:] or [name])
    and ask.__module__ == script.__name__
    and not inspect.signature(ask).parameters
]
asked.sort(key=lambda pair: pair[1].__code__.co_firstlineno)
print("\n" + json.dumps({name: outcome(ask) for name, ask in asked}))
