import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
const answer = await client.chat.completions.create({
  model: process.env['SERANTAU_MODEL']!,
  messages: [{ role: 'user', content: 'What is the capital of Malaysia?' }],
  temperature: 0,
  max_tokens: 24,
})
console.log(answer.choices[0]?.message.content)
