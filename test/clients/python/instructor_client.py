"""Instructor: answers that are held to a schema, by a call or by a response format."""

import os
from typing import Literal

from pydantic import BaseModel, Field

# docs: instructor
import instructor
from openai import OpenAI

service = OpenAI(
    base_url=os.environ["SERANTAU_BASE_URL"], api_key=os.environ["SERANTAU_API_KEY"]
)
client = instructor.from_openai(service, mode=instructor.Mode.TOOLS)
# docs: end

model = os.environ["SERANTAU_MODEL"]
question = [{"role": "user", "content": "Will it rain in Bangkok on Monday?"}]
common = {"model": model, "messages": question, "max_retries": 0, "max_tokens": 256}


class Forecast(BaseModel):
    """The weather to come"""

    city: Literal["Kuala Lumpur", "Jakarta", "Bangkok"]
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


def forecast():
    return client.create(response_model=Forecast, temperature=0, **common).model_dump()


def forecast_streamed():
    *_, last = client.create_partial(response_model=Forecast, temperature=0, **common)
    return last.model_dump()


def forecast_by_format():
    held = instructor.from_openai(service, mode=instructor.Mode.JSON_SCHEMA)
    return held.create(response_model=Forecast, temperature=0, **common).model_dump()


def unknown_model():
    client.create(response_model=Forecast, **{**common, "model": "no-such-model"})


def wrong_value():
    client.create(response_model=Forecast, temperature=9, **common)
