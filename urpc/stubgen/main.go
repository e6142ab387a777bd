// Stubgen writes the client and the server of a Go interface for package
// barreleye/urpc/rpc, without reflection:
//
//	//go:generate go run barreleye/urpc/stubgen -type Store
//
//	//urpc:service
//	type Store interface {
//		Get(ctx context.Context, key Key) (Value, error)
//	}
//
// makes store_urpc.go with NewStoreClient, which is a Store, and NewStoreService,
// which answers with one. docs/howto/rpc.md says how to use them, and what types
// there may be. An error has the file, line and column of what is wrong.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	types := flag.String("type", "", "interfaces to write stubs for, with commas between; needed")
	dir := flag.String("dir", ".", "folder of their package")
	flag.Parse()
	if *types == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "stubgen: name the interfaces, and nothing else: -type Store,Log")
		os.Exit(2)
	}
	for name := range strings.SplitSeq(*types, ",") {
		source, err := generate(*dir, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(*dir, outputName(name)), source, 0o666)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "stubgen: %v\n", err)
			os.Exit(1)
		}
	}
}

// outputName is the file that the stubs of an interface go into.
func outputName(name string) string { return strings.ToLower(name) + "_urpc.go" }

// generate returns the stubs of an interface of the package in dir.
func generate(dir, name string) ([]byte, error) {
	p, err := load(dir, outputName(name))
	if err != nil {
		return nil, err
	}
	s, err := p.service(name)
	if err != nil {
		return nil, err
	}
	return s.write()
}
