package decide

import (
	"math"
	"slices"
	"time"
)

// Durations is what is known of how long the nodes of a session take.
type Durations struct {
	Now time.Time
	// Took is how long each node took that is done, and Running how long each has taken
	// so far that is not. Both may be in any order.
	Took, Running []time.Duration
	// Queued are the nodes for which nothing has been sent yet.
	Queued int
	// First and Last are when something was first sent for the first node and for the last
	// of those that were begun.
	First, Last time.Time
	// Earlier is how long nodes took in earlier sessions of the kind.
	Earlier []time.Duration
}

// ForecastFrom is what a forecast goes by.
type ForecastFrom string

// What a forecast goes by: nothing is said where there is neither.
const (
	FromNothing ForecastFrom = ""
	FromSession ForecastFrom = "session"
	FromEarlier ForecastFrom = "template"
)

// Forecast is when a session is expected to be over.
type Forecast struct {
	// Over is when 99 of 100 of its nodes are expected to be; of few nodes, when it is as
	// likely as not that all are. Zero where nothing can be said.
	Over time.Time
	From ForecastFrom
	// Beyond is what 99 of 100 nodes stay below, zero where nothing can be said.
	Beyond time.Duration
}

// Straggles reports whether a node that has run for so long is one of the few that take
// longest.
func (f Forecast) Straggles(running time.Duration) bool { return f.Beyond > 0 && running > f.Beyond }

const (
	// enoughEarlier is how many nodes of earlier sessions say how long nodes take, and
	// enoughOwn how many of the session's own do, if they are a tenth of it.
	enoughEarlier = 20
	enoughOwn     = 5
	// shareOver is the share of the nodes that a forecast is about.
	shareOver = 0.99
	// quantileCount is how many quantiles a distribution is kept in.
	quantileCount = 200
	// tailShape is how the time falls off beyond what was seen: a tail as heavy as that of
	// boots that hang for a while.
	tailShape = 4
	// farthest is how far ahead anything is said.
	farthest = 30 * 24 * time.Hour
	// priorWeight is as how many nodes of its own the earlier sessions count.
	priorWeight = 10
	// mostStarts bounds the starts that stand for those of all nodes that have not begun.
	mostStarts = 500
	// manyOwn is how many nodes of its own stand for themselves.
	manyOwn = 50
)

// Foretell says when the work is over: by what the session shows so far and, beyond that,
// by the earlier sessions of the kind, stretched to it, or where there are none by what
// follows from its own nodes alone.
func Foretell(w Durations) Forecast {
	took := slices.Sorted(slices.Values(w.Took))
	known := observed(took, w.Running)
	var (
		of   distribution
		from ForecastFrom
	)
	switch {
	case len(w.Earlier) >= enoughEarlier:
		of, from = quantilesOf(slices.Sorted(slices.Values(w.Earlier))).stretched(known, len(took)), FromEarlier
	case len(took) >= enoughOwn && 10*len(took) >= len(took)+len(w.Running):
		of, from = known.extended(), FromSession
	default:
		return Forecast{}
	}
	f := Forecast{From: from, Beyond: of.at(shareOver)}
	f.Over = over(w, of, len(took))
	return f
}

// over is when so many nodes are expected to be done that the session counts as over.
func over(w Durations, of distribution, done int) time.Time {
	left := len(w.Running) + w.Queued
	if left == 0 {
		return time.Time{}
	}
	starts, ok := w.starts()
	if !ok {
		return time.Time{}
	}
	total := float64(done + left)
	// Half is the chance that all of n are over where each is with the n-th root of a half.
	want := min(shareOver*total, total*math.Pow(0.5, 1/total)) - float64(done)
	if want <= 0.5 {
		want = float64(left) * math.Pow(0.5, 1/float64(left))
	}
	expected := func(after time.Duration) float64 {
		sum := 0.0
		for _, ran := range w.Running {
			sum += of.doneWithin(ran, after)
		}
		for _, start := range starts {
			sum += of.below(after-start) * float64(w.Queued) / float64(len(starts))
		}
		return sum
	}
	low, high := time.Duration(0), max(of.at(0.5), time.Second)
	for expected(high) < want {
		if low, high = high, 2*high; high > farthest {
			return time.Time{}
		}
	}
	for range 40 {
		if middle := (low + high) / 2; expected(middle) >= want {
			high = middle
		} else {
			low = middle
		}
	}
	return w.Now.Add(high)
}

// starts is in how long the nodes begin that have not: as fast as those that have. Of many
// it is mostStarts, each in the middle of those that it stands for; nothing can be said where
// none has begun.
func (w Durations) starts() ([]time.Duration, bool) {
	if w.Queued == 0 {
		return nil, true
	}
	begun := len(w.Took) + len(w.Running)
	if begun == 0 {
		return nil, false
	}
	each := w.Now.Sub(w.First) / time.Duration(begun)
	next := max(each-w.Now.Sub(w.Last), 0)
	starts := make([]time.Duration, min(w.Queued, mostStarts))
	group := float64(w.Queued) / float64(len(starts))
	for i := range starts {
		starts[i] = next + time.Duration((group*(float64(i)+0.5)-0.5)*float64(each))
	}
	return starts, true
}

// distribution is how long nodes take, as quantiles: of (i+½)/quantileCount of them at
// most so long, as the logarithm of seconds. Of nodes that still run the last are missing.
type distribution struct{ logs []float64 }

func share(i int) float64 { return (float64(i) + 0.5) / quantileCount }

// minTook is what a node takes at least, so that there are logarithms.
const minTook = time.Millisecond

func logOf(d time.Duration) float64 { return math.Log(max(d, minTook).Seconds()) }

func spanOf(log float64) time.Duration {
	seconds := math.Exp(log)
	if seconds > float64(math.MaxInt64)/float64(4*time.Second) { // as good as never
		return math.MaxInt64 / 4
	}
	return time.Duration(seconds * float64(time.Second))
}

// quantilesOf is the distribution of times in order.
func quantilesOf(took []time.Duration) distribution {
	d := distribution{logs: make([]float64, quantileCount)}
	for i := range d.logs {
		at := share(i)*float64(len(took)) - 0.5
		low := min(max(int(math.Floor(at)), 0), len(took)-1)
		high := min(low+1, len(took)-1)
		part := min(max(at-float64(low), 0), 1)
		d.logs[i] = logOf(took[low])*(1-part) + logOf(took[high])*part
	}
	return d
}

// observed is how long nodes take as far as that is known while some still run, which is that
// they take longer than until now (Kaplan and Meier).
func observed(took, running []time.Duration) distribution {
	runs := slices.Sorted(slices.Values(running))
	d := distribution{}
	surviving, i := 1.0, 0
	atRisk := len(took) + len(runs)
	for k, t := range took {
		for i < len(runs) && runs[i] < t {
			i++
		}
		risk := atRisk - k - i
		before := surviving
		surviving *= 1 - 1/float64(risk)
		middle := 1 - (before+surviving)/2
		for len(d.logs) < quantileCount && share(len(d.logs)) <= middle {
			d.logs = append(d.logs, logOf(t))
		}
	}
	if len(runs) == 0 && len(took) > 0 {
		for len(d.logs) < quantileCount {
			d.logs = append(d.logs, logOf(took[len(took)-1]))
		}
	}
	return d
}

// stretched is the distribution of earlier sessions, stretched as far as what is seen of
// so many nodes of this one is slower or faster. The first nodes count little, and many of
// its own stand for themselves.
func (d distribution) stretched(own distribution, nodes int) distribution {
	n := len(own.logs)
	if n == 0 {
		return d
	}
	sum, count := 0.0, 0.0
	for i := n / 2; i < n; i++ {
		sum += own.logs[i] - d.logs[i]
		count++
	}
	by := sum / count * float64(nodes) / float64(nodes+priorWeight)
	out := distribution{logs: make([]float64, quantileCount)}
	for i := range out.logs {
		out.logs[i] = d.logs[i] + by
		if i < n && nodes >= manyOwn {
			out.logs[i] = own.logs[i]
		}
		if i > 0 {
			out.logs[i] = max(out.logs[i], out.logs[i-1])
		}
	}
	return out
}

// extended is what is seen, and beyond it what follows from that if the logarithms of the
// times are spread as those of most boots are: normally.
func (d distribution) extended() distribution {
	n := len(d.logs)
	if n >= quantileCount || n == 0 {
		return d
	}
	mean, spread := d.fit()
	out := distribution{logs: append(make([]float64, 0, quantileCount), d.logs...)}
	for i := n; i < quantileCount; i++ {
		out.logs = append(out.logs, max(mean+spread*normal(share(i)), out.logs[i-1]))
	}
	return out
}

// fit is the line through the logarithms over the normal quantiles, of which the outermost
// say little.
func (d distribution) fit() (mean, spread float64) {
	from := len(d.logs) / 20
	var sx, sy, sxx, sxy, n float64
	for i := from; i < len(d.logs); i++ {
		x, y := normal(share(i)), d.logs[i]
		sx, sy, sxx, sxy, n = sx+x, sy+y, sxx+x*x, sxy+x*y, n+1
	}
	if det := n*sxx - sx*sx; n > 1 && det > 0 {
		spread = max((n*sxy-sx*sy)/det, 0)
	}
	return (sy - spread*sx) / n, spread
}

// normal is the quantile of the normal distribution.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// at is the time that a share of the nodes stays below.
func (d distribution) at(p float64) time.Duration {
	at := p*quantileCount - 0.5
	low := min(max(int(math.Floor(at)), 0), len(d.logs)-1)
	high := min(low+1, len(d.logs)-1)
	part := min(max(at-float64(low), 0), 1)
	return spanOf(d.logs[low]*(1-part) + d.logs[high]*part)
}

// below is the share of the nodes that take no longer.
func (d distribution) below(t time.Duration) float64 { return 1 - d.above(t) }

// above is the share that takes longer, also where that is next to nothing.
func (d distribution) above(t time.Duration) float64 {
	if t <= 0 || len(d.logs) == 0 {
		return 1
	}
	log := logOf(t)
	last := len(d.logs) - 1
	if log >= d.logs[last] { // beyond what was seen
		return (1 - share(last)) * math.Exp(-tailShape*(log-d.logs[last]))
	}
	i, _ := slices.BinarySearch(d.logs, log)
	if i == 0 {
		return 1 - share(0)*math.Exp(log-d.logs[0])
	}
	width := d.logs[i] - d.logs[i-1]
	if width <= 0 {
		return 1 - share(i)
	}
	return 1 - share(i-1) - (share(i)-share(i-1))*(log-d.logs[i-1])/width
}

// doneWithin is the chance that a node which has run for a while is done within more.
func (d distribution) doneWithin(ran, more time.Duration) float64 {
	return min(max(1-d.above(ran+more)/d.above(ran), 0), 1)
}
