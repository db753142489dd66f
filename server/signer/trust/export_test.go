package trust

// SignText signs a text whatever it says, as a root's owner could with another program.
func SignText(text []byte, key *RootKey) []byte {
	return append(text, signatureBlock(key.sign(message(text)))...)
}

// Unfinished begins the names of files that are being written.
const Unfinished = unfinished
