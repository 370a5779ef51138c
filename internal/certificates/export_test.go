package certificates

import "context"

// Sealed is a key as it stands in the database.
func Sealed(secret, key []byte, name string) ([]byte, error) {
	k, err := New(Options{Secret: secret})
	if err != nil {
		return nil, err
	}
	return k.keys.Close(key, name), nil
}

// Work works on what is due now, whatever holds orders up, and tells whether there was something.
func (k *Keeper) Work(ctx context.Context) bool {
	k.hold(nil)
	return k.workOne(ctx, 0)
}
