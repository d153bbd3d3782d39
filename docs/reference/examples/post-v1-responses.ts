import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
const answer = await client.responses.create({
  model: process.env['SERANTAU_MODEL']!,
  input: 'What is the capital of Malaysia?',
  temperature: 0,
  max_output_tokens: 24,
})
console.log(answer.output_text)
