"""LangChain."""

import os
from typing import Literal

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import OpenAIEmbeddings
from pydantic import BaseModel, Field

# docs: langchain-openai
from langchain_openai import ChatOpenAI

chat = ChatOpenAI(
    base_url=os.environ["SERANTAU_BASE_URL"],
    api_key=os.environ["SERANTAU_API_KEY"],
    model=os.environ["SERANTAU_MODEL"],
    temperature=0,
)
# docs: end

question = "What is the capital of Malaysia?"
short = chat.bind(max_tokens=24)
longer = chat.model_copy(update={"max_tokens": 128})
City = Literal["Kuala Lumpur", "Jakarta", "Bangkok"]


@tool
def get_weather(city: City, unit: Literal["celsius", "fahrenheit"]) -> str:
    """The weather of a city now"""
    return f"31 degrees {unit} in {city}"


class Forecast(BaseModel):
    """The weather to come"""

    city: City
    rain: bool
    days: list[Literal["Monday", "Tuesday", "Wednesday"]] = Field(min_length=1, max_length=3)


def joined(chunks):
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


def whole():
    answer = short.invoke(question)
    return [answer.text, answer.usage_metadata["output_tokens"]]


def streamed():
    answer = joined(short.stream(question, stream_usage=True))
    return [answer.text, answer.usage_metadata["output_tokens"]]


def call():
    forced = longer.bind_tools([get_weather], tool_choice="get_weather")
    answer = forced.invoke("How warm is it in Jakarta?")
    called = answer.tool_calls[0]
    return [called["name"], called["args"]]


def streamed_call():
    forced = longer.bind_tools([get_weather], tool_choice="get_weather")
    called = joined(forced.stream("How warm is it in Jakarta?")).tool_calls[0]
    return [called["name"], called["args"]]


def answer_after_call():
    asked = HumanMessage("How warm is it in Jakarta?")
    called = longer.bind_tools([get_weather], tool_choice="required").invoke([asked])
    results = [get_weather.invoke(each) for each in called.tool_calls]
    if not all(isinstance(result, ToolMessage) for result in results):
        raise TypeError("a result is no message")
    free = longer.bind_tools([get_weather], tool_choice="none")
    answer = free.invoke([asked, called, *results])
    return [answer.text, answer.usage_metadata["output_tokens"]]


def forecast():
    held = longer.with_structured_output(Forecast, method="json_schema")
    return held.invoke("Will it rain in Bangkok on Monday?").model_dump()


def forecast_by_call():
    held = longer.with_structured_output(Forecast, method="function_calling")
    return held.invoke("Will it rain in Bangkok on Monday?").model_dump()


def response():
    answer = chat.model_copy(update={"use_responses_api": True, "max_tokens": 24}).invoke(question)
    return [answer.text, answer.usage_metadata["output_tokens"]]


def unknown_model():
    chat.model_copy(update={"model_name": "no-such-model"}).invoke(question)


def wrong_value():
    chat.bind(temperature=9).invoke(question)


def embeddings():
    # docs: langchain-openai, vectors
    vectors = OpenAIEmbeddings(
        base_url=os.environ["SERANTAU_BASE_URL"],
        api_key=os.environ["SERANTAU_API_KEY"],
        model=os.environ["SERANTAU_MODEL"],
        check_embedding_ctx_length=False,  # else it fetches a tokenizer of OpenAI's
    )
    # docs: end
    return vectors.embed_query(question)
