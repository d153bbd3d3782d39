import OpenAI from 'openai'

const { SERANTAU_BASE_URL: baseURL, SERANTAU_API_KEY: apiKey } = process.env
const client = new OpenAI({ baseURL, apiKey })
const model = await client.models.retrieve(process.env['SERANTAU_MODEL']!)
// Which weights answer, and under which licence: no fields of OpenAI's.
const { digest, licence } = model as typeof model & { digest: string; licence: string }
console.log(digest, licence)
