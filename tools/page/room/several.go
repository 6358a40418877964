package room

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/replicas"
)

// Several is a room with several services on one PostgreSQL, behind a balancer that keeps
// nobody with one of them.
type Several struct {
	*Room
	Services []*Service
	front    *replicas.Balancer
}

// Service is one of them.
type Service struct {
	URL     string
	address string
	cmd     *exec.Cmd
}

// StartSeveral runs so many services on a database; more are flags of the emulator.
func StartSeveral(ctx context.Context, program, dir, database string, nodes, services int, more ...string) (*Several, error) {
	front, err := replicas.Balance(ctx)
	if err != nil {
		return nil, err
	}
	r, err := begin(ctx, program, dir, front.Address(), database, nodes, more...)
	if err != nil {
		front.Close()
		return nil, err
	}
	s := &Several{Room: r, front: front}
	r.URL, r.patient = front.URL(), true
	var urls []string
	for range services {
		one := &Service{}
		s.Services = append(s.Services, one)
		if one.address, err = free(); err == nil {
			err = s.Run(ctx, one)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		urls = append(urls, one.URL)
	}
	if err := front.Use(urls...); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Run starts a service that does not run, where it listened before.
func (s *Several) Run(ctx context.Context, one *Service) error {
	cmd, line, err := s.run(ctx, nil, "serve", "--config", s.config, "--listen", one.address)
	if err != nil {
		return err
	}
	one.cmd, one.URL = cmd, strings.TrimPrefix(line, "BOS is ready at ")
	return nil
}

// Kill is kill -9 for one of them.
func (s *Several) Kill(one *Service) {
	if one.cmd != nil {
		_ = one.cmd.Process.Kill() // it may have ended
		_ = one.cmd.Wait()         // it was killed
		one.cmd = nil
	}
}

// Close ends all.
func (s *Several) Close() {
	for _, one := range s.Services {
		s.Kill(one)
	}
	s.front.Close()
	s.Room.Close()
}

// AskAt makes a request of one of them.
func (s *Several) AskAt(ctx context.Context, one *Service, path string, into any) error {
	_, err := s.askAt(ctx, one.URL, http.MethodGet, path, nil, into)
	return err
}

// Driver is the one that drives, which is waited for.
func (s *Several) Driver(ctx context.Context) (*Service, error) {
	for {
		for _, one := range s.Services {
			var health struct {
				Parts []struct{ Name, Says string }
			}
			if one.cmd == nil || s.AskAt(ctx, one, "/readyz", &health) != nil {
				continue
			}
			for _, part := range health.Parts {
				if part.Name == "lease" && part.Says == "this service drives its database" {
					return one, nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no service drives: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
