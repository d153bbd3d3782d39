const { SERANTAU_BASE_URL = '', SERANTAU_API_KEY, SERANTAU_MODEL: model } = process.env
const response = await fetch(`${SERANTAU_BASE_URL.replace(/\/v1$/, '')}/tokenize`, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${SERANTAU_API_KEY}`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({ model, prompt: 'selamat pagi' }),
})
const { tokens } = (await response.json()) as { tokens: number[] }
console.log(...tokens)
