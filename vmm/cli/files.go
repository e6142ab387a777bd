package cli

import (
	"barreleye/devices/filetree"
	"barreleye/vmm/files"
)

// filesOf collects the files that --file names, nil for none.
func filesOf(specs []string) (*filetree.Plan, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	var t files.Tree
	for _, spec := range specs {
		host, guest, err := files.Split(spec)
		if err == nil {
			err = t.Add(host, guest)
		}
		if err != nil {
			return nil, usage("run: --file %s: %w", spec, err)
		}
	}
	return &t.Plan, nil
}
