package cli

import (
	"fmt"
	"text/tabwriter"

	"barreleye/vmm/builtin"

	"github.com/spf13/cobra"
)

// descriptions say what the built-in images do. An image that is not built in
// is not shown, whatever stands here.
var descriptions = map[string]string{
	"bench":    "measures messages and monitors; made for 'barreleye bench'",
	"caps":     "shares memory between cores by capabilities, and accounts for every page (check, stubs, leases, storm)",
	"crash":    "goes wrong on one core in the way its argument says (-- list)",
	"domains":  "runs several domains on a core: shares, calls between them, faults",
	"hello":    "greets from every core and exchanges a message with every other one",
	"hostile":  "has one core do what no core may, while the others exchange messages",
	"idle":     "boots and sleeps: what a core costs that has nothing to do",
	"kv":       "a key-value store, one shard per core, and clients on other cores that check it",
	"memory":   "checks the memory calls that the CPU driver serves against a model",
	"names":    "finds services, locks, barriers and topics by name on other cores (check, storm)",
	"pingpong": "measures a message's round trip between core 0 and core 1",
	"probe":    "does one small thing that a test asks for by name",
	"rpc":      "calls methods of every core from every other one, many at a time, and checks the answers",
	"soak":     "exercises the Go runtime (collector, channels, timers) for as long as asked",
	"storm":    "has interrupts come anywhere in the CPU driver, and checks every register",
	"stream":   "sends messages from core 0 to core 1 as fast as the channel takes them",
	"wake":     "wakes a sleeping core again and again, and checks that no wake-up is lost",
}

// imageInfo is one line of the command's output.
type imageInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Bytes       int    `json:"bytes"` // size of the ELF file
}

func (h *Host) imagesCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:     "images",
		Short:   "List the built-in images",
		Long:    "Images lists the programs that this binary brings along, by the names that 'barreleye run' takes.",
		Example: "  barreleye images\n  barreleye images -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return h.images(output) },
	}
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) images(output format) error {
	list := []imageInfo{}
	for _, name := range builtin.Names() {
		elf, err := builtin.Image(name)
		if err != nil {
			return err
		}
		list = append(list, imageInfo{name, descriptions[name], len(elf)})
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, list)
	}
	if len(list) == 0 {
		h.note("this binary was built without images: build it with make")
	}
	w := tabwriter.NewWriter(h.Stdout, 0, 8, 2, ' ', 0)
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%s\n", i.Name, i.Description)
	}
	return w.Flush()
}
