"""Renders chat templates as Hugging Face's tokenizers do: JSON lines of {template, variables} in, of {text} or {error} out."""

import json
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2026, 1, 2, 3, 4, 5)


class Generation(jinja2.ext.Extension):
    """Marks what the model wrote, in some templates; it changes no text."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = to_json
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


for line in sys.stdin:
    asked = json.loads(line)
    try:
        text = environment().from_string(asked["template"]).render(**asked["variables"])
        print(json.dumps({"text": text}))
    except Exception as error:  # whatever a template does wrong
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
