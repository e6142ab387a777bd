package cli

import (
	"fmt"
	"os"

	"barreleye/vmm/image"
	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func (h *Host) coreAddCommand() *cobra.Command {
	var (
		arg    string
		output format
	)
	cmd := &cobra.Command{
		Use:   "add [flags] [RUN]",
		Short: "Start one more core",
		Long: `Add starts one more core of a run that has room for it: run --max-cores says for how
many there is. Where all have lived already, one that does not any more begins anew.`,
		Example: `  barreleye core add
  barreleye core add --image ./myprogram 20261124-115227`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			if arg == "" {
				return h.askAboutCore(operator.Add, operator.AddArgs{}, runAfter(args, 0), output)
			}
			return h.askWithImage(operator.Add, arg, func(image string) any { return operator.AddArgs{Image: image} }, runAfter(args, 0), output)
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&arg, "image", "", "what it runs: an `IMAGE` as for 'barreleye run' (default: the run's own)")
	must(cmd.RegisterFlagCompletionFunc("image", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeImage(nil, nil, "")
	}))
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) coreUpdateCommand() *cobra.Command {
	var (
		f      endFlags
		output format
	)
	cmd := &cobra.Command{
		Use:   "update [flags] CORE IMAGE [RUN]",
		Short: "Restart a core with another image",
		Long: `Update ends a core's life as 'barreleye core stop' does, and begins its next one with
IMAGE, which is as for 'barreleye run': it is opened, or built, here, and handed to the
run as an open file. An image that cannot be used is refused before anything ends. Lives
after that run it as well.`,
		Example: `  barreleye core update 2 ./myprogram
  barreleye core update 2 myprogram.elf 20261124-115227`,
		Args: needs("core", "image"),
		RunE: func(_ *cobra.Command, args []string) error {
			core, err := coreNumber("core update", args[0])
			if err != nil {
				return err
			}
			ending, err := f.ending("core update")
			if err != nil {
				return err
			}
			return h.askWithImage(operator.Update, args[1], func(image string) any {
				return operator.UpdateArgs{Core: core, Image: image, Ending: ending}
			}, runAfter(args, 2), output)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return completeImage(cmd, nil, toComplete)
			}
			return h.completeLivingAfter(2)(cmd, args, toComplete)
		},
	}
	f.register(cmd)
	outputFlag(cmd, &output)
	return cmd
}

// askWithImage is askAboutCore for requests that an IMAGE of the command line goes with;
// args makes the arguments from its name.
func (h *Host) askWithImage(name, arg string, args func(image string) any, run string, output format) error {
	client, _, err := h.connect("core "+name, run) // before anything is built
	if err != nil {
		return err
	}
	defer client.Close()
	image, file, err := h.imageFile(arg)
	if err != nil {
		return err
	}
	defer file.Close()
	return h.showCore(client, name, args(image), output, file)
}

// imageFile opens an IMAGE of the command line as a file that can be handed to a run.
func (h *Host) imageFile(arg string) (name string, file *os.File, err error) {
	im, err := h.loadImage(arg, image.LoadOptions{})
	if err != nil {
		return "", nil, err
	}
	if !isFolder(arg) && !isBuiltin(arg) {
		if file, err = os.Open(arg); err != nil {
			return "", nil, &failure{CodeImage, fmt.Errorf("image %s: %w: give a file that can be read", arg, err)}
		}
		return im.Name, file, nil
	}
	// in memory, where the image was built or came along
	fd, err := unix.MemfdCreate(im.Name, unix.MFD_CLOEXEC)
	if err == nil {
		file = os.NewFile(uintptr(fd), im.Name)
		_, err = file.Write(im.File)
	}
	if err != nil {
		return "", nil, &failure{CodeHost, fmt.Errorf("image %s: %w: free some memory", arg, err)}
	}
	return im.Name, file, nil
}
