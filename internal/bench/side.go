package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

// side is a room on one database, in a process of its own: what it has in memory is not
// that of another.
type side struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

// startSide starts the room of a size on a database, with the records of a site.
func startSide(ctx context.Context, size int, server string, f flags) (*side, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &side{cmd: exec.CommandContext(ctx, program, "-room", strconv.Itoa(size), "-server", server, //nolint:gosec // this program
		"-clients", strconv.Itoa(f.clients), "-seconds", fmt.Sprint(f.seconds), "-dir", f.dir, "-profile", f.profile)}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		s.orders, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewScanner(out)
	if _, err := s.answer(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// do has the room do something, and returns what it measured.
func (s *side) do(order string) (float64, error) {
	if _, err := fmt.Fprintln(s.orders, order); err != nil {
		return 0, err
	}
	value, err := s.answer()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", order, err)
	}
	return value, nil
}

func (s *side) answer() (float64, error) {
	if !s.answers.Scan() {
		return 0, errors.Join(errors.New("its process ended"), s.answers.Err())
	}
	value, err := strconv.ParseFloat(s.answers.Text(), 64)
	if err != nil {
		return 0, errors.New(s.answers.Text())
	}
	return value, nil
}

func (s *side) stop() error {
	return errors.Join(s.orders.Close(), s.cmd.Wait())
}

// sides are the databases that are compared.
type sides []*side

// each has each do something, several times in turn, so that a machine that is busy now
// and then is so to all; it returns the medians.
func (all sides) each(order string, times int) ([]float64, error) {
	values := make([][]float64, len(all))
	for range times {
		for i, s := range all {
			value, err := s.do(order)
			if err != nil {
				return nil, err
			}
			values[i] = append(values[i], value)
		}
	}
	medians := make([]float64, len(all))
	for i, list := range values {
		slices.Sort(list)
		medians[i] = list[len(list)/2]
	}
	return medians, nil
}

// best is each, some rounds of it; it returns the best medians, as what else goes on makes
// figures worse and never better.
func (all sides) best(order string, times, rounds int, unit figures.Unit) (best []float64, err error) {
	for round := range rounds {
		medians, err := all.each(order, times)
		if err != nil {
			return nil, err
		}
		if round == 0 {
			best = medians
		}
		for i, value := range medians {
			if unit == figures.PerSecond {
				best[i] = max(best[i], value)
			} else {
				best[i] = min(best[i], value)
			}
		}
	}
	return best, nil
}

func (all sides) stop() error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}

// obey makes a room and does what it is told, a line each, until there is no more. It
// answers each with a number, or with what went wrong.
func obey(ctx context.Context, size int, f flags, orders io.Reader, answers io.Writer) (err error) {
	say := func(value float64, err error) {
		if err != nil {
			fmt.Fprintln(answers, strings.ReplaceAll(err.Error(), "\n", "; ")) //nolint:errcheck // who does not listen has gone
			return
		}
		fmt.Fprintln(answers, value) //nolint:errcheck // likewise
	}
	m, leave, err := makeRoom(ctx, size, f)
	if err != nil {
		say(0, err)
		return nil
	}
	defer func() { err = errors.Join(err, leave()) }()
	say(0, nil)
	for lines := bufio.NewScanner(orders); lines.Scan(); {
		order, which, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(which) // 0 without one
		do, ok := m.orders()[order]
		if !ok {
			return fmt.Errorf("there is no order %q", order)
		}
		say(do(n))
	}
	return nil
}
