import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
const answer = await client.embeddings.create({
  model: process.env['SERANTAU_MODEL']!,
  input: ['selamat pagi', 'good morning'],
})
for (const { embedding } of answer.data) console.log(embedding.length)
