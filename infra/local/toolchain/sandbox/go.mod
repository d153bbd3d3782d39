module serantau.local/sandbox

go 1.26
