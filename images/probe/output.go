package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"barreleye/guest"
)

func lines(context.Context) error {
	for i := range *count {
		to := os.Stdout
		if i%2 == 1 {
			to = os.Stderr
		}
		if _, err := fmt.Fprintf(to, "core %d line %d\n", guest.Core(), i); err != nil {
			return err
		}
	}
	return nil
}

func partial(context.Context) error {
	_, err := fmt.Print("first line\nno end")
	return err
}

// long writes one line that is longer than any record or ring of the log.
func long(context.Context) error {
	line := bytes.Repeat([]byte("x"), *count)
	n, err := os.Stdout.Write(append(line, '\n'))
	if err == nil && n != *count+1 {
		err = fmt.Errorf("%d of %d bytes written", n, *count+1)
	}
	return err
}

func environment(context.Context) error {
	fmt.Printf("args %q\n", os.Args)
	fmt.Printf("env %q\n", os.Environ())
	return nil
}
