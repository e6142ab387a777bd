package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"barreleye/guest"
	"barreleye/images/probe/chatter"
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

func talk(context.Context) error {
	lines := chatter.New(guest.Core())
	for range *count {
		line, stderr := lines.Next()
		to := os.Stdout
		if stderr {
			to = os.Stderr
		}
		if _, err := to.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// records logs in every way that programs do. What it prints as text in
// between must not harm a record.
func records(context.Context) error {
	slog.Info("plain")
	slog.Debug("not shown")
	guest.LogLevel.Set(slog.LevelDebug)
	slog.Debug("shown", "core", guest.Core())
	slog.Warn("two\nlines", "text", "a \"b\"", "n", -3, "took", time.Second)
	slog.With("id", 7).WithGroup("req").Error("grouped", "err", errors.New("no luck"), slog.Group("peer", "core", 1, "level", "x"))
	log.Print("by package log")
	fmt.Fprint(os.Stderr, "no end yet")
	slog.Info("after a text without end")
	fmt.Fprintln(os.Stderr, "\x1eno record")
	slog.New(slog.NewTextHandler(os.Stdout, nil)).Info("a handler of its own")
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
