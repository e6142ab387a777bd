package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"barreleye/guest"
)

// stdin reads standard input to its end, line by line, while another goroutine
// runs on, and prints how much it was.
func stdin(context.Context) error {
	stop, ran := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ran <- n
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	sum, lines, size, start := sha256.New(), 0, 0, time.Now()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		sum.Write(in.Bytes())
		sum.Write([]byte("\n"))
		size += len(in.Bytes()) + 1
		if lines++; lines == 1 {
			fmt.Printf("stdin: first line %.40q\n", in.Text())
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	if n, err := os.Stdin.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("behind the end: %d bytes, %v", n, err)
	}
	took := time.Since(start)
	close(stop)
	fmt.Printf("stdin: core %d read %d lines, %d bytes, sum %x\n", guest.Core(), lines, size, sum.Sum(nil))
	if n := <-ran; n == 0 && took > 200*time.Millisecond {
		return fmt.Errorf("no other goroutine ran in the %v that standard input was read", took)
	}
	return nil
}

// firstLine reads a line of standard input and leaves the rest.
func firstLine(context.Context) error {
	if guest.Core() != 0 {
		return nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	fmt.Printf("stdin: %q\n", line)
	return nil
}

// prompt waits for standard input after it said so.
func prompt(ctx context.Context) error {
	fmt.Println("waiting for input")
	return stdin(ctx)
}
