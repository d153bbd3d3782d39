import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
const answer = await client.completions.create({
  model: process.env['SERANTAU_MODEL']!,
  prompt: 'The capital of Malaysia is',
  temperature: 0,
  max_tokens: 16,
})
console.log(answer.choices[0]?.text)
