package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

// dyings are the ways in which the cores of detect end.
var dyings = map[string]func(){
	"driver": func() { _ = faultDriver(nil) },
	"exit":   func() { os.Exit(0) },
	"kill":   func() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) },
}

// lead is how long before its end a core tells when that will be: then the survivor
// waits again, and sleeps if it is to.
const lead = 3 * time.Millisecond

// detect has all cores but core 0 end one after the other, and measures how long
// after that core 0 gets an error from the channel with each: from the last
// instruction but one of the core that ends to the return of Recv.
func detect(args []string) error {
	if len(args) != 1 || dyings[args[0]] == nil {
		return fmt.Errorf("detect needs a way to end: driver, exit or kill")
	}
	ctx := context.Background()
	var m urpc.Message
	if guest.Core() != 0 {
		ch, err := guest.Channel(0)
		if err != nil {
			return err
		}
		if err := ch.Recv(ctx, &m); err != nil {
			return err
		}
		end := time.Now().Add(lead)
		m.Words[0] = uint64(end.UnixNano())
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
		for time.Now().Before(end) {
		}
		dyings[args[0]]()
		return errors.New("it did not end")
	}
	var result struct {
		Samples []float64 `json:"samples_ns"`
	}
	for peer := 1; peer < guest.Cores(); peer++ {
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
		if err := ch.Recv(ctx, &m); err != nil {
			return err
		}
		ended := m.Words[0]
		err = ch.Recv(ctx, &m)
		now := time.Now().UnixNano()
		if !errors.Is(err, urpc.ErrClosed) {
			return fmt.Errorf("core %d ended and the channel with it says %v", peer, err)
		}
		result.Samples = append(result.Samples, float64(now)-float64(ended))
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
