"""The official client."""

import os
from typing import Literal

import openai
from pydantic import BaseModel, Field

# docs: openai (PyPI)
from openai import OpenAI

client = OpenAI(
    base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"]
)
# docs: end

model = os.environ["SERANTAU_MODEL"]
question = [{"role": "user", "content": "What is the capital of Malaysia?"}]
weather_question = [{"role": "user", "content": "How warm is it in Jakarta?"}]


class GetWeather(BaseModel):
    """The weather of a city now"""

    city: Literal["Kuala Lumpur", "Jakarta", "Bangkok"]
    unit: Literal["celsius", "fahrenheit"]


class Forecast(BaseModel):
    city: Literal["Kuala Lumpur", "Jakarta", "Bangkok"]
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


get_weather = openai.pydantic_function_tool(GetWeather, name="get_weather")
forced = {
    "model": model,
    "messages": weather_question,
    "tools": [get_weather],
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    "temperature": 0,
    "max_tokens": 128,
}


def whole():
    answer = client.chat.completions.create(
        model=model, messages=question, temperature=0, max_tokens=24
    )
    return [answer.choices[0].message.content, answer.usage.completion_tokens]


def streamed():
    text, tokens = "", None
    for chunk in client.chat.completions.create(
        model=model,
        messages=question,
        temperature=0,
        max_tokens=24,
        stream=True,
        stream_options={"include_usage": True},
    ):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    return [text, tokens]


def call():
    answer = client.chat.completions.parse(**forced)
    called = answer.choices[0].message.tool_calls[0].function
    return [called.name, called.parsed_arguments.model_dump()]


def streamed_call():
    with client.chat.completions.stream(**forced) as stream:
        answer = stream.get_final_completion()
    called = answer.choices[0].message.tool_calls[0].function
    return [called.name, called.parsed_arguments.model_dump()]


def forecast():
    answer = client.chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": "Will it rain in Bangkok on Monday?"}],
        response_format=Forecast,
        temperature=0,
        max_tokens=256,
    )
    return answer.choices[0].message.parsed.model_dump()


def response():
    answer = client.responses.create(
        model=model, input="What is the capital of Malaysia?", temperature=0, max_output_tokens=24
    )
    return [answer.output_text, answer.usage.output_tokens]


def streamed_response():
    with client.responses.stream(
        model=model, input="What is the capital of Malaysia?", temperature=0, max_output_tokens=24
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    return ["".join(deltas), answer.usage.output_tokens]


def unknown_model():
    client.chat.completions.create(model="no-such-model", messages=question)


def wrong_value():
    client.chat.completions.create(model=model, messages=question, temperature=9)


def embeddings():
    answer = client.embeddings.create(model=model, input="What is the capital of Malaysia?")
    return answer.data[0].embedding
