const { SERANTAU_BASE_URL = '', SERANTAU_API_KEY, SERANTAU_MODEL } = process.env
const url = `${SERANTAU_BASE_URL.replace(/\/v1$/, '')}/tokenizer_info?model=${SERANTAU_MODEL}`
const response = await fetch(url, { headers: { authorization: `Bearer ${SERANTAU_API_KEY}` } })
const { vocab_size } = (await response.json()) as { vocab_size: number }
console.log(vocab_size)
