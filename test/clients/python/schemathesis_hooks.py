"""What schemathesis asks stays cheap, and what was answered is counted: answers.json in its folder.

Answers of hundreds of tokens say nothing more about the API than such of four.
"""

import atexit
import collections
import json

import schemathesis

TOKENS = 4
# Fields of a body that decide how long an answer takes: each is at most this.
MOST = {"max_tokens": TOKENS, "max_completion_tokens": TOKENS, "max_output_tokens": TOKENS, "n": 2}
# Where a route has no bound of its own.
BOUND = {"/v1/chat/completions": "max_tokens", "/v1/responses": "max_output_tokens"}

answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    for field, most in MOST.items():
        value = body.get(field)
        if type(value) in (int, float) and value > most:
            body[field] = most
    bound = BOUND.get(case.operation.path)
    if bound is not None and body.get(bound) is None:
        body[bound] = TOKENS


@schemathesis.hook
def after_call(context, case, response):
    answers[case.operation.label][response.status_code] += 1


@atexit.register
def write():
    with open("answers.json", "w", encoding="utf-8") as file:
        json.dump(answers, file)
