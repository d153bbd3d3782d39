const { SERANTAU_BASE_URL = '', SERANTAU_API_KEY, SERANTAU_MODEL: model } = process.env
const response = await fetch(`${SERANTAU_BASE_URL.replace(/\/v1$/, '')}/detokenize`, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${SERANTAU_API_KEY}`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({ model, tokens: [504, 5181, 282] }),
})
const { prompt } = (await response.json()) as { prompt: string }
console.log(prompt)
