package certificates

// Sealed is a key as it stands in the database.
func Sealed(secret, key []byte, name string) ([]byte, error) {
	s, err := newSeal(secret)
	if err != nil {
		return nil, err
	}
	return s.close(key, name), nil
}
