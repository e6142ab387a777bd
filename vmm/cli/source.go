package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
)

// loadImage turns the IMAGE of the command line into an image: a built-in
// one's name, an ELF file, or a folder with a Go program. A name without a
// slash that is a built-in one means that, whatever files there are.
func (h *Host) loadImage(arg string, opt image.LoadOptions) (*image.Image, error) {
	if isBuiltin(arg) {
		elf, err := builtin.Image(arg)
		if err != nil {
			return nil, &failure{CodeImage, err}
		}
		return opt.Load(arg, elf)
	}
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &failure{CodeImage, fmt.Errorf("image %s: no built-in image, file or folder of that name: %sthe built-in ones are %s", arg, didYouMean(arg, builtin.Names()), builtinNames())}
	case err != nil:
		return nil, &failure{CodeImage, fmt.Errorf("image %s: %w: give a file or folder that can be read", arg, err)}
	case !st.IsDir() && strings.HasSuffix(arg, ".go"):
		return nil, &failure{CodeImage, fmt.Errorf("image %s: a Go source file, not an image: give its folder: 'barreleye run %s'", arg, folderOf(arg))}
	case st.IsDir():
		elf, err := h.goBuild(findTarget(arg))
		if err != nil {
			return nil, &failure{CodeImage, fmt.Errorf("image %s: %w", arg, err)}
		}
		return opt.Load(programName(arg), elf)
	}
	im, err := opt.Open(arg)
	if err != nil {
		return nil, &failure{CodeImage, err}
	}
	return im, nil
}

func isBuiltin(arg string) bool { return slices.Contains(builtin.Names(), arg) }

// folderOf names the folder of a file so that no built-in image is meant.
func folderOf(file string) string {
	dir := filepath.Dir(file)
	if dir == "." || filepath.IsAbs(dir) || strings.HasPrefix(dir, "..") {
		return dir
	}
	return "./" + dir
}

// builtinNames lists the built-in images in a sentence.
func builtinNames() string {
	if names := builtin.Names(); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "none (this binary was built without them: build it with make)"
}
