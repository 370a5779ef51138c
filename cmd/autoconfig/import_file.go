package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"autoconfig/internal/migrate"
)

// input is a file that can be read twice.
type input struct {
	name   string
	format migrate.Format
	file   *os.File
	size   int64
}

// maxSpool bounds what is taken from standard input, in bytes.
const maxSpool = 4 << 30

func openInput(c *call, name string, flag formatFlag) (*input, error) {
	in := &input{name: name, format: migrate.Format(flag.Format)}
	if in.format == "" {
		format, known := migrate.FormatOf(name)
		switch {
		case name == "-":
			return nil, errors.New("standard input doesn't show its format: say --format csv or --format jsonl")
		case !known:
			return nil, fmt.Errorf("the name of %s doesn't show its format (.csv or .jsonl): say --format csv or --format jsonl", name)
		}
		in.format = format
	}
	var err error
	if name == "-" {
		in.name = "standard input"
		in.file, err = spool(c, c.std.in)
	} else {
		in.file, err = os.Open(name)
	}
	if err != nil {
		return nil, err
	}
	info, err := in.file.Stat()
	if err != nil {
		return nil, errors.Join(err, in.file.Close())
	}
	if info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a folder", name), in.file.Close())
	}
	if !info.Mode().IsRegular() { // a pipe can't be read twice
		spooled, err := spool(c, in.file)
		if err = errors.Join(err, in.file.Close()); err != nil {
			return nil, err
		}
		in.file = spooled
		if info, err = spooled.Stat(); err != nil {
			return nil, errors.Join(err, spooled.Close())
		}
	}
	in.size = info.Size()
	return in, nil
}

// spool keeps what can be read only once in a file without a name, which is gone
// when it is closed.
func spool(c *call, from io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "autoconfig-import-*") // mode 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	var n int64
	err = c.patiently(func() (err error) {
		n, err = io.Copy(file, io.LimitReader(from, maxSpool))
		return err
	})
	if err == nil && n == maxSpool {
		err = fmt.Errorf("there is more than %d GiB", maxSpool>>30)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// patiently waits for do, which reads from somebody who may never write, but no longer
// than the command may run: then do is left behind, and the command ends.
func (c *call) patiently(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-c.Done():
		return c.Err()
	}
}

// again goes back to the beginning.
func (i *input) again() error {
	_, err := i.file.Seek(0, io.SeekStart)
	return err
}

func (i *input) close() { _ = i.file.Close() }
