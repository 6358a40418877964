package bos

import (
	"fmt"
	"strings"
)

// RolloutCommand is a command that tells the rollout of a session something, as it is
// pasted into a shell.
func RolloutCommand(verb string, s SessionKey, flags ...string) string {
	words := append([]string{"terraform-provider-bos rollout", verb, s.Name}, flags...)
	if s.Tenant != "" {
		words = append(words, "--tenant", quoted(s.Tenant))
	}
	return strings.Join(words, " ")
}

// Place says which batch is under way, such as "batch 2 of 5 (canary)", and "all 5
// batches" once none is.
func (s RolloutStatus) Place() string {
	for i, b := range s.Batches {
		if b.Name == s.Batch {
			return fmt.Sprintf("batch %d of %d (%s)", i+1, len(s.Batches), b.Name)
		}
	}
	switch n := len(s.Batches); n {
	case 0:
		return "no batch yet"
	case 1:
		return "its only batch"
	default:
		return fmt.Sprintf("all %d batches", n)
	}
}

// AwaitsDecision reports whether the rollout goes no further before somebody decides:
// its canary is to be promoted, or it has halted and all that were started have ended.
func (s RolloutStatus) AwaitsDecision() bool {
	return s.HeldBy == HoldPromotion || s.Phase == RolloutHalted && s.InFlight == 0
}

// Line is how far the rollout is, on one line.
func (s RolloutStatus) Line() string {
	line := fmt.Sprintf("%s: %s; %d waiting, %d in work, %d done, %d failed", s.Phase, s.Place(), s.Waiting, s.InFlight, s.Done, s.Failed)
	if s.Left > 0 {
		line += fmt.Sprintf(", %d taken by others", s.Left)
	}
	if s.HeldBy != HoldNone {
		line += "; held by " + string(s.HeldBy)
	}
	return line
}

// WaysOn are the commands that a rollout which is held waits for, each with what it
// does; none where it waits for nobody.
func (s RolloutStatus) WaysOn() []string {
	command := func(does, verb string, flags ...string) string {
		return RolloutCommand(verb, SessionKey{Tenant: s.Tenant, Name: s.Session}, flags...) + "   # " + does
	}
	const end = "no other node is started"
	switch {
	case s.HeldBy == HoldPromotion:
		return []string{command("the other batches follow", "promote"), command(end, "fail")}
	case s.Phase == RolloutHalted:
		return []string{
			command("tries the nodes again that failed in this batch, and goes on", "resume"),
			command("goes on without them", "resume", "--skip-failed"),
			command(end, "fail"),
		}
	default:
		return nil
	}
}
