// Package builtin holds the images that the binary brings along. make builds
// them from the images folder before it builds the binary.
package builtin

import (
	"embed"
	"fmt"
	"sort"
	"strings"
)

//go:embed elf
var files embed.FS

// Names lists the built-in images.
func Names() []string {
	entries, _ := files.ReadDir("elf")
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".elf"); ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Image returns the ELF file of a built-in image, which must not be changed.
func Image(name string) ([]byte, error) {
	b, err := files.ReadFile("elf/" + name + ".elf")
	if err != nil {
		return nil, fmt.Errorf("no built-in image %q: the built-in ones are %s", name, strings.Join(Names(), ", "))
	}
	return b, nil
}
