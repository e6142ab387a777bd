package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// Sizes in the picture's units. It is a card with a background of its own, so
// that it can be read on a light page and on a dark one.
const (
	width  = 960
	left   = 84 // where time 0 is
	right  = width - 28
	top    = 74 // middle of the first lane
	pitch  = 62 // from lane to lane
	bar    = 24 // height of a lane's bar
	legend = 58 // below the last lane
)

// colours of the cores, told apart by people who do not see colours as others do.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// canvas collects the elements of an SVG file.
type canvas struct {
	bytes.Buffer
	end float64 // ms at the right edge
}

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

// x is the place of a time.
func (c *canvas) x(ms float64) float64 {
	return math.Round((left+(right-left)*ms/c.end)*10) / 10
}

func y(core int) float64 { return top + pitch*float64(core) }

func colour(core int) string { return colours[core%len(colours)] }

// draw returns the picture as an SVG file.
func (p *picture) draw() []byte {
	c := &canvas{end: p.end}
	height := y(len(p.Cores)-1) + bar/2 + legend + 28
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" font-family="system-ui, sans-serif" font-size="13" fill="#24292f">`, width, height)
	c.add(`<title>A run of %d cores: boot, messages, and the end of each</title>`, len(p.Cores))
	c.add(`<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="6" refY="3.5" orient="auto"><path d="M0 0.8L6.5 3.5L0 6.2z" fill="#57606a"/></marker></defs>`)
	c.add(`<rect x="0.5" y="0.5" width="%d" height="%.0f" rx="8" fill="#ffffff" stroke="#d0d7de"/>`, width-1, height-1)
	p.axis(c)
	for _, l := range p.Cores {
		p.lane(c, l)
	}
	for _, a := range p.arrows {
		c.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#57606a" stroke-width="1.2" marker-end="url(#tip)"><title>%s</title></line>`,
			c.x(a.sent), y(a.from)+bar/2, c.x(a.took), y(a.to)-bar/2-1, html.EscapeString(a.word))
	}
	for _, a := range p.lost {
		c.add(`<circle cx="%.1f" cy="%.1f" r="4" fill="#ffffff" stroke="#cf222e" stroke-width="1.6"><title>%s: lost</title></circle>`,
			c.x(a.sent), y(a.from)+bar/2, html.EscapeString(a.word))
	}
	p.legend(c, height-26)
	c.add(`</svg>`)
	return c.Bytes()
}

// axis draws the scale above the lanes.
func (p *picture) axis(c *canvas) {
	step := 10.0
	for p.end/step > 12 {
		step *= map[bool]float64{true: 2, false: 2.5}[math.Mod(math.Log10(step), 1) == 0 || step == 50]
	}
	bottom := y(len(p.Cores)-1) + bar/2 + 12
	for ms := 0.0; ms <= p.end; ms += step {
		c.add(`<line x1="%.1f" y1="34" x2="%.1f" y2="%.0f" stroke="#eaeef2"/>`, c.x(ms), c.x(ms), bottom)
		unit := ""
		if ms == 0 {
			unit = " ms"
		}
		c.add(`<text x="%.1f" y="26" text-anchor="middle" fill="#57606a" font-size="12">%.0f%s</text>`, c.x(ms), ms, unit)
	}
}

// lane draws one core: from the start of the cores to main, and to its end.
func (p *picture) lane(c *canvas, l *lane) {
	at := y(l.Core) - bar/2
	c.add(`<text x="20" y="%.1f" font-weight="600" fill="%s">core %d</text>`, y(l.Core)+4.5, colour(l.Core), l.Core)
	start := 0.0
	for _, t := range p.Timing {
		if t.Name == "cores start" {
			start = t.AtMS
		}
	}
	end := l.last
	if l.died > 0 {
		end = l.died
	}
	c.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="3" fill="%s" fill-opacity="0.18"/>`, c.x(start), at, c.x(l.BootMS)-c.x(start), bar, colour(l.Core))
	c.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="3" fill="%s" fill-opacity="0.62"/>`, c.x(l.BootMS), at, c.x(end)-c.x(l.BootMS), bar, colour(l.Core))
	for _, ms := range l.lines {
		c.add(`<circle cx="%.1f" cy="%.1f" r="2.4" fill="#24292f"/>`, c.x(ms), y(l.Core))
	}
	switch {
	case l.died > 0:
		x := c.x(l.died)
		c.add(`<path d="M%.1f %.1fl12 12m0 -12l-12 12" stroke="#cf222e" stroke-width="3" stroke-linecap="round"/>`, x-6, y(l.Core)-6)
		c.add(`<text x="%.1f" y="%.1f" fill="#cf222e">panic, exit code %d</text>`, x+14, y(l.Core)+4.5, l.ExitCode)
	default:
		c.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="3"/>`, c.x(end), at, c.x(end), at+bar, colour(l.Core))
	}
}

// legend explains the marks.
func (p *picture) legend(c *canvas, at float64) {
	x := 20.0
	item := func(mark string, text string, room float64) {
		c.add(mark, x, at)
		c.add(`<text x="%.0f" y="%.1f" font-size="12" fill="#57606a">%s</text>`, x+30, at+4, text)
		x += room
	}
	item(`<rect x="%.0f" y="%.1f" width="24" height="12" transform="translate(0 -6)" rx="3" fill="#57606a" fill-opacity="0.18"/>`, "boots", 86)
	item(`<rect x="%.0f" y="%.1f" width="24" height="12" transform="translate(0 -6)" rx="3" fill="#57606a" fill-opacity="0.62"/>`, "in main, running or asleep", 206)
	item(`<path transform="translate(%.0f %.1f)" d="M4 -6L18 6" stroke="#57606a" stroke-width="1.2" marker-end="url(#tip)"/>`, "message: sent, taken", 176)
	item(`<circle cx="%.0f" cy="%.1f" r="2.4" transform="translate(12 0)" fill="#24292f"/>`, "line printed", 126)
	item(`<circle cx="%.0f" cy="%.1f" r="4" transform="translate(12 0)" fill="#ffffff" stroke="#cf222e" stroke-width="1.6"/>`, "sent, never taken", 0)
	platform := p.Platform
	if p.Flavour != "" {
		platform += " (" + p.Flavour + ")"
	}
	c.add(`<text x="%d" y="%.1f" font-size="12" fill="#57606a" text-anchor="end">platform %s</text>`, right, at+4, platform)
}
