"""LiteLLM."""

import json
import os
from typing import Literal

from pydantic import BaseModel, Field

# docs: litellm
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches a list of prices
import litellm

service = {
    "model": "openai/" + os.environ["SERANTAU_MODEL"],
    "api_base": os.environ["SERANTAU_BASE_URL"],
    "api_key": os.environ["SERANTAU_API_KEY"],
}
# docs: end

question = [{"role": "user", "content": "What is the capital of Malaysia?"}]
cities = ["Kuala Lumpur", "Jakarta", "Bangkok"]
forced = {
    "messages": [{"role": "user", "content": "How warm is it in Jakarta?"}],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather of a city now",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string", "enum": cities},
                        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                    },
                    "required": ["city", "unit"],
                },
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    "temperature": 0,
    "max_tokens": 128,
}


class Forecast(BaseModel):
    city: Literal["Kuala Lumpur", "Jakarta", "Bangkok"]
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


def whole():
    answer = litellm.completion(**service, messages=question, temperature=0, max_tokens=24)
    return [answer.choices[0].message.content, answer.usage.completion_tokens]


def streamed():
    chunks = list(
        litellm.completion(
            **service,
            messages=question,
            temperature=0,
            max_tokens=24,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    usage = [chunk.usage for chunk in chunks if getattr(chunk, "usage", None)]
    return [text, usage[-1].completion_tokens]


def call():
    called = litellm.completion(**service, **forced).choices[0].message.tool_calls[0].function
    return [called.name, json.loads(called.arguments)]


def streamed_call():
    chunks = list(litellm.completion(**service, **forced, stream=True))
    answer = litellm.stream_chunk_builder(chunks)
    called = answer.choices[0].message.tool_calls[0].function
    return [called.name, json.loads(called.arguments)]


def forecast():
    answer = litellm.completion(
        **service,
        messages=[{"role": "user", "content": "Will it rain in Bangkok on Monday?"}],
        response_format=Forecast,
        temperature=0,
        max_tokens=256,
    )
    return Forecast.model_validate_json(answer.choices[0].message.content).model_dump()


def response():
    answer = litellm.responses(
        **service,
        input="What is the capital of Malaysia?",
        temperature=0,
        max_output_tokens=24,
    )
    return [answer.output[0].content[0].text, answer.usage.output_tokens]


def unknown_model():
    litellm.completion(**{**service, "model": "openai/no-such-model"}, messages=question)


def wrong_value():
    litellm.completion(**service, messages=question, temperature=9)


def embeddings():
    answer = litellm.embedding(**service, input=["What is the capital of Malaysia?"])
    return answer.data[0]["embedding"]
