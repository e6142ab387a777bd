package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

// debugFlags are what debug is told.
type debugFlags struct {
	core   string
	listen string
	stdio  bool
}

func (h *Host) debugCommand() *cobra.Command {
	var f debugFlags
	cmd := &cobra.Command{
		Use:   "debug [flags] [RUN]",
		Short: "Stop cores of a run, and have gdb debug them",
		Long: `Debug stops a core of a run that lives, or all of them, and waits for gdb, for which it
prints what to type. There a core is a thread: core N is thread N+1. Where one stops, all
that are debugged do. When gdb detaches or is left, or debug is interrupted, they go on.
RUN is as for 'barreleye ps'. Cores that are Linux processes are debugged by gdb -p.`,
		Example: `  barreleye debug
  barreleye debug --core 1 --listen localhost:1234 20261124-115227
  gdb -ex 'target remote | barreleye debug --stdio' ./program`,
		Args:              needs(),
		RunE:              func(_ *cobra.Command, args []string) error { return h.debug(f, runAfter(args, 0)) },
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.core, "core", "all", "the core to debug, or all")
	cmd.Flags().StringVar(&f.listen, "listen", "", "`address` on which gdb is waited for (default localhost and any port)")
	cmd.Flags().BoolVar(&f.stdio, "stdio", false, "speak gdb's protocol on stdin and stdout")
	return cmd
}

func (h *Host) debug(f debugFlags, name string) error {
	core := multikernel.AllCores
	if f.core != "all" {
		n, err := coreNumber("debug", f.core)
		if err != nil {
			return usage("debug: --core %s: give a core's number, 0 to %d, or all", f.core, multikernel.MaxCores-1)
		}
		core = n
	}
	if f.stdio && f.listen != "" {
		return usage("debug: --stdio and --listen: give one of them")
	}
	var listener net.Listener
	if !f.stdio {
		var err error
		if listener, err = net.Listen("tcp", cmp.Or(f.listen, "localhost:0")); err != nil {
			return usage("debug: --listen %s: %v: give a free address of this machine such as localhost:1234", f.listen, err)
		}
		defer listener.Close()
	}
	client, run, err := h.connect("debug", name)
	if err != nil {
		return err
	}
	defer client.Close()
	var held operator.Debugged
	cores, err := client.Stream(operator.Debug, operator.DebugArgs{Core: core}, &held)
	if err != nil {
		return err
	}
	defer cores.Close()
	if f.stdio {
		return join(cores, h.Stdin, h.Stdout)
	}
	if _, err := fmt.Fprintf(h.Stdout, "%s stopped: gdb -ex 'target remote %s' PROGRAM\n", coreList(held.Cores), listener.Addr()); err != nil {
		return err
	}
	said := watch(cores, listener)
	gdb, err := listener.Accept()
	if errors.Is(err, net.ErrClosed) {
		return &failure{CodeRefused, fmt.Errorf("debug: run %s has ended before gdb came: 'barreleye logs %s' shows its lines", run.ID, run.ID)}
	}
	if err != nil {
		return err
	}
	defer gdb.Close()
	listener.Close() // one debugger at a time
	return join(said, gdb, gdb)
}

// watch reads from the cores, which say nothing before gdb does, and closes the listener
// where they are gone. What it returns is read and written like cores.
func watch(cores net.Conn, listener net.Listener) io.ReadWriter {
	said, saying := io.Pipe()
	go func() {
		_, err := io.Copy(saying, cores)
		listener.Close()
		saying.CloseWithError(err)
	}()
	return struct {
		io.Reader
		io.Writer
	}{said, cores}
}

// join copies what gdb and the cores say to each other until one of them ends.
func join(cores io.ReadWriter, from io.Reader, to io.Writer) error {
	ends := make(chan error, 2)
	copying := func(to io.Writer, from io.Reader) {
		_, err := io.Copy(to, from)
		ends <- err
	}
	go copying(cores, from)
	go copying(to, cores)
	if err := <-ends; err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("debug: connection: %w: the cores go on", err)
	}
	return nil
}

// coreList names cores: "core 1", "cores 0, 1".
func coreList(cores []int) string {
	words := make([]string, len(cores))
	for i, n := range cores {
		words[i] = fmt.Sprint(n)
	}
	noun := "core "
	if len(cores) != 1 {
		noun = "cores "
	}
	return noun + strings.Join(words, ", ")
}
