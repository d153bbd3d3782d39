/** What every client is asked. Answers are greedy, so that the same question has the same answer. */
import { z } from 'zod'

export const QUESTION = 'What is the capital of Malaysia?'

/** Arguments of the tool. Enumerated: which values are right does not depend on what a small model knows. */
export const WeatherSchema = z.object({
  city: z.enum(['Kuala Lumpur', 'Jakarta', 'Bangkok']),
  unit: z.enum(['celsius', 'fahrenheit']),
})
export const TOOL = 'get_weather' as const
export const ABOUT_TOOL = 'The weather of a city now'
export const WEATHER_QUESTION = 'How warm is it in Jakarta?'

/** What an answer is held to. */
export const ForecastSchema = z.object({
  city: z.enum(['Kuala Lumpur', 'Jakarta', 'Bangkok']),
  rain: z.boolean(),
  days: z
    .array(z.enum(['Monday', 'Tuesday', 'Wednesday']))
    .min(1)
    .max(3),
})
export const FORECAST_QUESTION = 'Will it rain in Bangkok on Monday?'

export const UNKNOWN_MODEL = 'no-such-model'
