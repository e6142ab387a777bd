package page

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"regexp"
	"slices"
	"strings"

	"barreleye/vmm/bench"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of a plot in its own units, which are about a pixel on a phone.
const (
	width     = 420
	height    = 270
	fontSize  = 12
	stripStep = 21 // from strip to strip

)

// Colours stand for style sheet variables, so that one picture is right on light
// and dark pages: colour n of the code becomes var(--n).
const seriesColours = 10

var (
	ink  = stand(200)
	grid = stand(201)
)

func stand(n uint8) color.NRGBA { return color.NRGBA{R: n, G: 0xfe, B: 0x01, A: 255} }

// variables replaces the colours in a picture.
func variables(svg string) string {
	return standIn.ReplaceAllStringFunc(svg, func(s string) string {
		var n int
		fmt.Sscanf(s, "#%02XFE01", &n)
		switch n {
		case int(ink.R):
			return "var(--ink)"
		case int(grid.R):
			return "var(--grid)"
		}
		return fmt.Sprintf("var(--s%d)", n)
	})
}

var standIn = regexp.MustCompile(`#[0-9A-F]{2}FE01`)

// newPlot makes an empty plot in the page's style.
func newPlot(x, y axis) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	for _, a := range []struct {
		axis *plot.Axis
		is   axis
	}{{&p.X, x}, {&p.Y, y}} {
		a.axis.Color, a.axis.Width = ink, vg.Points(0.75)
		a.axis.Tick.Color, a.axis.Tick.Width, a.axis.Tick.Length = ink, vg.Points(0.75), vg.Points(4)
		a.axis.Tick.Label.Color, a.axis.Tick.Label.Font = ink, sans
		a.axis.Label.Text, a.axis.Label.TextStyle.Color, a.axis.Label.TextStyle.Font = a.is.label, ink, sans
		a.axis.Padding = 0
		a.axis.Tick.Marker = a.is
		if !a.is.linear {
			a.axis.Scale = plot.LogScale{}
		}
	}
	return p
}

var sans = font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(fontSize)}

// gridLines are thin lines at the labelled ticks.
func gridLines(p *plot.Plot, vertical, horizontal bool) {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = grid, grid
	g.Vertical.Width, g.Horizontal.Width = vg.Points(0.75), vg.Points(0.75)
	if !vertical {
		g.Vertical.Color = nil
	}
	if !horizontal {
		g.Horizontal.Color = nil
	}
	p.Add(g)
}

// drawLines draws series as lines with points.
func drawLines(what plan, lines []series) (template.HTML, []legend, error) {
	p := newPlot(what.x, what.y)
	gridLines(p, true, true)
	var key []legend
	colours := map[string]int{}
	for _, s := range lines {
		xys := make(plotter.XYs, len(s.points))
		for i, pt := range s.points {
			xys[i].X, xys[i].Y = pt.x, pt.y
		}
		l, err := plotter.NewLine(xys)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %s: %w", what.id, s.name, err)
		}
		l.Width = vg.Points(2)
		n, known := colours[s.like]
		if !known {
			n = len(colours) % seriesColours
			colours[s.name] = n
		}
		class := fmt.Sprintf("s%d", n)
		l.Color = stand(uint8(n))
		switch {
		case s.kind == bench.Limit:
			l.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
			class += " dashed"
		case s.kind == bench.Peer:
			l.Width = vg.Points(1.25)
			class += " thin"
		}
		p.Add(l)
		if !what.y.linear { // of a distribution, points say nothing
			marks, err := plotter.NewScatter(xys)
			if err != nil {
				return "", nil, fmt.Errorf("%s: %s: %w", what.id, s.name, err)
			}
			marks.GlyphStyle = vgdraw.GlyphStyle{Color: l.Color, Radius: l.Width * 1.4, Shape: vgdraw.CircleGlyph{}}
			p.Add(marks)
		}
		key = append(key, legend{class, s.name})
	}
	if what.y.linear {
		p.Y.Min = 0
	}
	loosen(&p.X, what.x)
	loosen(&p.Y, what.y)
	svg, err := render(p, height, what.title)
	return svg, key, err
}

// strips draws the percentiles of rows, one below the other.
type strips struct{ rows []bench.Row }

func (s strips) Plot(c vgdraw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	line := func(color color.Color, width, from, to float64, y vg.Length) {
		c.StrokeLine2(vgdraw.LineStyle{Color: color, Width: vg.Points(width)}, tx(from), y, tx(to), y)
	}
	for i := range s.rows {
		r := &s.rows[i]
		y, q := ty(float64(len(s.rows)-1-i)), r.Percentiles
		in := func(v float64) float64 { return max(nanoseconds(r, v), p.X.Min) }
		col := stand(uint8(stripKind(r)))
		line(col, 1.5, in(q.Min), in(q.P99), y)
		line(col, 8, in(q.P10), in(q.P90), y)
		x := tx(in(q.P50))
		c.StrokeLine2(vgdraw.LineStyle{Color: ink, Width: vg.Points(2)}, x, y-6, x, y+6)
		if r.Limit > 0 {
			c.DrawGlyph(vgdraw.GlyphStyle{Color: ink, Radius: vg.Points(4), Shape: diamond{}}, vg.Point{X: tx(in(r.Limit)), Y: y})
		}
	}
}

// DataRange lets the plot have room for all strips.
func (s strips) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = -1, -1
	for i := range s.rows {
		r := &s.rows[i]
		for _, v := range []float64{r.Percentiles.Min, r.Percentiles.P10, r.Percentiles.P99, r.Limit} {
			if v = nanoseconds(r, v); v <= 0 {
				continue
			}
			if xmin < 0 || v < xmin {
				xmin = v
			}
			xmax = max(xmax, v)
		}
	}
	return xmin, xmax, -0.6, float64(len(s.rows)) - 0.4
}

// diamond is an empty glyph.
type diamond struct{}

func (diamond) DrawGlyph(c *vgdraw.Canvas, s vgdraw.GlyphStyle, at vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: at.X, Y: at.Y + s.Radius})
	p.Line(vg.Point{X: at.X + s.Radius, Y: at.Y})
	p.Line(vg.Point{X: at.X, Y: at.Y - s.Radius})
	p.Line(vg.Point{X: at.X - s.Radius, Y: at.Y})
	p.Close()
	c.SetLineStyle(vgdraw.LineStyle{Color: s.Color, Width: vg.Points(1.25)})
	c.Stroke(p)
}

// stripKinds are what strips tell by colour.
var stripKinds = []string{"cores", "peers", "threads of the host"}

// stripKind returns which of them a row is.
func stripKind(r *bench.Row) int {
	switch {
	case r.Kind == bench.Peer:
		return 1
	case strings.HasSuffix(r.Name, "_threads"):
		return 2
	}
	return 0
}

// stripLegend explains the colours where there are several.
func stripLegend(rows []bench.Row) (key []legend) {
	for kind, name := range stripKinds {
		if slices.ContainsFunc(rows, func(r bench.Row) bool { return stripKind(&r) == kind }) {
			key = append(key, legend{fmt.Sprintf("s%d", kind), name})
		}
	}
	if len(key) < 2 {
		return nil
	}
	return key
}

// drawStrips draws percentiles of rows.
func drawStrips(what plan, rows []bench.Row) (template.HTML, []legend, error) {
	what.x.narrow = true
	p := newPlot(what.x, axis{linear: true})
	p.Y.Width, p.Y.Tick.Length = 0, 0
	s := strips{rows}
	var names []plot.Tick
	for i := range rows {
		names = append(names, plot.Tick{Value: float64(len(rows) - 1 - i), Label: rowWords(&rows[i])})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	gridLines(p, true, false)
	p.Add(s)
	loosen(&p.X, what.x)
	svg, err := render(p, vg.Length(len(rows)*stripStep+34), what.title)
	return svg, stripLegend(rows), err
}

// render returns the picture as an element of the page.
func render(p *plot.Plot, high vg.Length, title string) (template.HTML, error) {
	c := vgsvg.New(width, high)
	area := vgdraw.New(c)
	p.Draw(vgdraw.Crop(area, 0, -8, 2, -6)) // room for half a label at the ends
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		return "", err
	}
	svg := out.String()
	svg = svg[strings.Index(svg, "<svg"):]
	_, body, _ := strings.Cut(svg, ">")
	open := fmt.Sprintf(`<svg viewBox="0 0 %d %.0f" role="img" aria-label="%s">`, width, float64(high), template.HTMLEscapeString(title))
	return template.HTML(open + fontStyle.ReplaceAllString(variables(body), "font-size:$1")), nil
}

// fontStyle is what the page's own style sheet says better.
var fontStyle = regexp.MustCompile(`font-family:[^"]*font-size:([0-9.]+px)`)
