package cli

import (
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"

	"github.com/spf13/cobra"
)

// restartValue is the flag for the restart types of cores: "on-failure,0=never".
type restartValue struct{ p *supervise.Policy }

func (v restartValue) Set(s string) error { return v.p.ParseRestarts(s) }
func (v restartValue) String() string {
	if v.p == nil {
		return ""
	}
	return v.p.Restarts()
}
func (restartValue) Type() string { return "TYPE" }

// strategyValue is the flag for which cores are restarted together.
type strategyValue supervise.Strategy

func (v *strategyValue) Set(s string) error {
	got, err := supervise.ParseStrategy(s)
	*v = strategyValue(got)
	return err
}
func (v *strategyValue) String() string { return supervise.Strategy(*v).String() }
func (*strategyValue) Type() string     { return "STRATEGY" }

// intensityValue is the flag for how often cores are restarted at most: "3/5s".
type intensityValue supervise.Intensity

func (v *intensityValue) Set(s string) error {
	got, err := supervise.ParseIntensity(s)
	if err == nil {
		*v = intensityValue(got)
	}
	return err
}
func (v *intensityValue) String() string { return supervise.Intensity(*v).String() }
func (*intensityValue) Type() string     { return "N/TIME" }

// restartFlags adds what a run does about cores that end.
func restartFlags(cmd *cobra.Command, o *multikernel.Options) {
	p, flags := &o.Restart, cmd.Flags()
	if p.Intensity == (supervise.Intensity{}) {
		p.Intensity = supervise.DefaultIntensity
	}
	flags.Var(restartValue{p}, "restart", "which cores begin a new life when theirs has ended: never, on-failure (a crash, or\nan exit code that is not 0) or always; CORE=TYPE for one core, in a list with commas")
	flags.Var((*strategyValue)(&p.Strategy), "strategy", "which cores are restarted with one: one-for-one (that one), one-for-all, or\nrest-for-one (that one and those with higher numbers)")
	flags.Var((*intensityValue)(&p.Intensity), "intensity", "how many restarts within which time; one more ends the run")
	for _, f := range []struct {
		name  string
		words []string
	}{{"restart", supervise.RestartNames}, {"strategy", supervise.StrategyNames}} {
		var words []cobra.Completion
		for _, w := range f.words {
			words = append(words, w)
		}
		completeFlag(cmd, f.name, words...)
	}
}
