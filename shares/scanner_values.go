package shares

// plainString returns the inside of a string that has no escapes.
func (s *scanner) plainString() ([]byte, error) {
	inside, escaped, err := s.stringValue()
	if err == nil && escaped {
		err = malformed("a string has escapes")
	}
	return inside, err
}

func (s *scanner) stringValue() (inside []byte, escaped bool, err error) {
	if !s.take('"') {
		return nil, false, malformed("a string expected")
	}
	start := s.at
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return s.text[start : s.at-1], escaped, nil
		case c < ' ':
			return nil, false, malformed("a control character in a string")
		case c == '\\':
			escaped = true
			if !s.escape() {
				return nil, false, malformed("a bad escape")
			}
		}
	}
	return nil, false, malformed("a string does not end")
}

// escape reads what follows a backslash.
func (s *scanner) escape() bool {
	if s.at == len(s.text) {
		return false
	}
	c := s.text[s.at]
	s.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		if len(s.text)-s.at < 4 {
			return false
		}
		var unit [2]byte
		ok := decodeHex(unit[:], s.text[s.at:s.at+4])
		s.at += 4
		return ok
	}
	return false
}

// one reads the integer 1, spelled so: 1.0 and 1e0 are other spellings, which some
// readers take and some do not.
func (s *scanner) one() error {
	number, err := s.number()
	if err != nil {
		return err
	}
	if string(number) != "1" {
		return malformed("not version 1")
	}
	return nil
}

// number follows the grammar of RFC 8259 §6.
func (s *scanner) number() ([]byte, error) {
	s.space()
	start := s.at
	s.next('-')
	first := s.at
	whole := s.digits()
	ok := whole == 1 || whole > 1 && s.text[first] != '0'
	if s.next('.') {
		ok = s.digits() > 0 && ok
	}
	if s.next('e') || s.next('E') {
		_ = s.next('+') || s.next('-')
		ok = s.digits() > 0 && ok
	}
	if !ok {
		return nil, malformed("another kind of value expected")
	}
	return s.text[start:s.at], nil
}

func (s *scanner) digits() (count int) {
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
		count++
	}
	return count
}

// next takes c if it is the very next byte.
func (s *scanner) next(c byte) bool {
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// skip reads one value of any kind, at a depth counted from 1.
func (s *scanner) skip(depth int) error {
	if depth > maxNesting {
		return malformed("nested too deep")
	}
	s.space()
	if s.at == len(s.text) {
		return malformed("a value expected")
	}
	switch c := s.text[s.at]; c {
	case '{':
		return s.object(func([]byte) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		_, _, err := s.stringValue()
		return err
	case 't', 'f', 'n':
		return s.literal()
	}
	_, err := s.number()
	return err
}

// optional reads null, or a value that is there.
func (s *scanner) optional(there *bool, value func() error) error {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == 'n' {
		return s.literal()
	}
	*there = true
	return value()
}

func (s *scanner) literal() error {
	for _, word := range []string{"true", "false", "null"} {
		if end := s.at + len(word); end <= len(s.text) && string(s.text[s.at:end]) == word {
			s.at = end
			return nil
		}
	}
	return malformed("an unknown word")
}
