# docs: llm, a question
python -m llm keys set serantau --value "$SERANTAU_API_KEY"
python -m llm logs off
python -m llm -m serantau -o temperature 0 -o max_tokens 12 'Selamat pagi'
# docs: end
