"""The command line tool and library `llm`. Its models are those of extra-openai-models.yaml."""

import os
from typing import Literal

import llm
from pydantic import BaseModel, Field

model = llm.get_model("serantau")
key = os.environ["SERANTAU_API_KEY"]
question = "What is the capital of Malaysia?"


class Forecast(BaseModel):
    city: Literal["Kuala Lumpur", "Jakarta", "Bangkok"]
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


def get_weather(city: str) -> str:
    """The weather of a city now"""
    return f"31 degrees in {city}"


def whole():
    answer = model.prompt(question, key=key, stream=False, temperature=0, max_tokens=24)
    return [answer.text(), answer.usage().output]


def streamed():
    answer = model.prompt(question, key=key, temperature=0, max_tokens=24)
    return ["".join(answer), answer.usage().output]


def with_tools():
    # It has no way to force a call, and a small model makes one or does not.
    answer = model.prompt(
        "How warm is it in Jakarta?",
        tools=[get_weather],
        key=key,
        stream=False,
        temperature=0,
        max_tokens=48,
    )
    return [answer.text(), [[call.name, call.arguments] for call in answer.tool_calls()]]


def forecast():
    answer = model.prompt(
        "Will it rain in Bangkok on Monday?",
        schema=Forecast,
        key=key,
        stream=False,
        temperature=0,
        max_tokens=256,
    )
    return Forecast.model_validate_json(answer.text()).model_dump()


def unknown_model():
    llm.get_model("unknown").prompt(question, key=key, stream=False).text()


def wrong_value():
    model.prompt(question, key=key, stream=False, max_tokens=-1).text()
