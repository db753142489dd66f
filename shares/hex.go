package shares

// decodeHex decodes exactly 2·len(dst) digits of either case. Its time does not
// depend on which digits they are: no table, no branch.
func decodeHex(dst, digits []byte) bool {
	if len(digits) != 2*len(dst) {
		return false
	}
	bad := 0
	for i := range dst {
		high, badHigh := nibble(digits[2*i])
		low, badLow := nibble(digits[2*i+1])
		dst[i] = byte(high<<4 | low)
		bad |= badHigh | badLow
	}
	return bad == 0
}

// nibble returns a digit's value, or bad = −1.
func nibble(digit byte) (value, bad int) {
	number := int(digit) - '0'
	letter := int(digit|0x20) - 'a'
	isNumber := ^((number | (9 - number)) >> 8) // −1 if so, else 0
	isLetter := ^((letter | (5 - letter)) >> 8)
	return number&isNumber | (letter+10)&isLetter, ^(isNumber | isLetter)
}

// encodeHex writes 2·len(src) lower-case digits, with no table and no branch.
func encodeHex(dst, src []byte) {
	for i, b := range src {
		dst[2*i] = hexDigit(int(b >> 4))
		dst[2*i+1] = hexDigit(int(b & 15))
	}
}

func hexDigit(value int) byte {
	isLetter := (9 - value) >> 8 // −1 if so, else 0
	return byte('0' + value + isLetter&('a'-'0'-10))
}
