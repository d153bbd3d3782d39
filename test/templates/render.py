"""Renders chat templates as Hugging Face's tokenizers do. A line of JSON is a template and what to render with it, see
reference.ts; a line comes back for each: {text} or {error} for each rendering."""

import json
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment


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


def environment(now, growing_lists):
    kind = SandboxedEnvironment if growing_lists else ImmutableSandboxedEnvironment
    env = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = to_json
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = now.strftime
    return env


def members(text):
    """Arguments of a call, which clients send as JSON; what is no object stays text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def outcomes(env, source, renderings):
    try:
        template = env.from_string(source)
    except jinja2.exceptions.TemplateError as error:
        return [named(error)] * len(renderings)
    return [outcome(template, variables) for variables in renderings]


def outcome(template, variables):
    try:
        return {"text": template.render(**variables)}
    except Exception as error:  # whatever a template does wrong
        return named(error)


def named(error):
    return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    asked = json.loads(line)
    if asked["arguments"] == "members":
        for variables in asked["renderings"]:
            for message in variables["messages"]:
                for call in message.get("tool_calls", []):
                    call["function"]["arguments"] = members(call["function"]["arguments"])
    env = environment(datetime.fromisoformat(asked["now"]), asked["growingLists"])
    print(json.dumps(outcomes(env, asked["template"], asked["renderings"])))
