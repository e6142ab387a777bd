// Soak is what `make soak` runs: package vmm/churn on each platform. Its last lines say
// what came of it.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"barreleye/vmm/builtin"
	"barreleye/vmm/churn"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

func main() {
	platforms := flag.String("platform", "", "kvm, hosted, or both with a comma, which share the time; those of this machine if not given")
	seconds := flag.Int("seconds", 60, "how long; each platform has at least one run")
	seed := flag.Uint64("seed", uint64(time.Now().Unix()), "of the first run")
	dir := flag.String("dir", "", "where logs go; a new folder if not given, which is removed where all goes well")
	flag.Parse()
	list := strings.Split(*platforms, ",")
	if *platforms == "" {
		list = usable()
	}
	total, err := soak(list, time.Duration(*seconds)*time.Second, *seed, *dir)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") { // each can be told from the rest of a log
			fmt.Printf("soak: FAILED: %s\n", line)
		}
		os.Exit(1)
	}
	fmt.Printf("soak: ok: %v\n", total)
}

// usable lists the platforms of this machine.
func usable() []string {
	choice, err := multikernel.Choose(multikernel.PlatformAuto, "")
	if err != nil || choice.Platform == multikernel.PlatformHosted {
		fmt.Println("soak: no virtual machines here ('barreleye doctor' tells why)")
		return []string{multikernel.PlatformHosted}
	}
	return []string{choice.Platform, multikernel.PlatformHosted}
}

func soak(platforms []string, length time.Duration, seed uint64, dir string) (total *churn.Summary, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "barreleye-soak-"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil {
				os.RemoveAll(dir)
			}
		}()
	}
	cfg := churn.Config{Seed: seed, Dir: dir, Progress: os.Stdout}
	if cfg.Image, cfg.Update, err = images(); err != nil {
		return nil, err
	}
	total = &churn.Summary{}
	for i, platform := range platforms {
		cfg.Platform, cfg.Length = platform, (length-total.Took)/time.Duration(len(platforms)-i)
		s, err := churn.Run(cfg)
		total.Add(s)
		if err != nil {
			fmt.Printf("soak: so far: %v\n", total)
			return nil, err
		}
		fmt.Printf("soak: %v\n", s)
	}
	return total, nil
}

// images are the soak, and what its cores are updated to.
func images() (im, update *image.Image, err error) {
	data, err := builtin.Image("soak")
	if err != nil {
		return nil, nil, err
	}
	if im, err = (image.LoadOptions{}).Load("soak", data); err == nil {
		update, err = (image.LoadOptions{}).Load("updated", data)
	}
	return im, update, err
}
