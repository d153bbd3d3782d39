import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
for await (const { id } of client.models.list()) console.log(id)
