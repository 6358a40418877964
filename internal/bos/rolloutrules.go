package bos

import (
	"errors"
	"slices"
)

// The bounds of rollouts themselves.
const (
	MaxRolloutBatches = 1000
	maxFreezes        = 100
	maxGrowth         = 1000
)

// CheckRollout says what is wrong with the rollout of a session, nil for none, whatever
// its nodes are. The error is a *Invalid.
func CheckRollout(r *Rollout, stage bool) error {
	switch {
	case r == nil:
		return nil
	case stage:
		return Invalidf("rollout", "and stage are both given, and what is staged starts no node; leave one of them out")
	}
	err := ValidateRollout(*r)
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return &Invalid{Field: "rollout." + invalid.Field, Detail: invalid.Detail}
	}
	return err
}

// ValidateRollout says what is wrong with a rollout, whatever nodes it is of. The error
// is a *Invalid.
func ValidateRollout(r Rollout) error {
	switch {
	case r.Canary.Set() && r.CanaryNodes != "":
		return Invalidf("canary", "and canary_nodes are both given; say how many the first nodes are, or which")
	case r.AutoPromote && !r.HasCanary():
		return Invalidf("auto_promote", "is given without a canary, and nothing else is promoted; give canary or canary_nodes, or leave it out")
	case r.Strategy != "" && len(r.Batches) > 0:
		return Invalidf("strategy", "and batches are both given; list the sizes of the batches, or say how they grow")
	case r.Strategy != "" && !slices.Contains(RolloutStrategies(), r.Strategy):
		return Invalidf("strategy", "%q is no strategy; use one of %q", r.Strategy, RolloutStrategies())
	case r.Strategy != "" && !r.InitialBatch.Set():
		return Invalidf("initial_batch", "is missing; a strategy begins with a batch of that size")
	case r.Strategy == "" && (r.InitialBatch.Set() || r.GrowthFactor != 0):
		return Invalidf("strategy", "is missing, and initial_batch and growth_factor mean nothing without it; use one of %q", RolloutStrategies())
	case r.Strategy == StrategyFixed && r.GrowthFactor != 0:
		return Invalidf("growth_factor", "is given, and batches of strategy fixed do not grow; leave it out")
	case r.GrowthFactor < 0 || r.GrowthFactor > maxGrowth:
		return Invalidf("growth_factor", "%d is not from 1 to %d", r.GrowthFactor, maxGrowth)
	case r.By != "" && !slices.Contains(RolloutBys(), r.By):
		return Invalidf("by", "%q is nothing that batches go by; use one of %q", r.By, RolloutBys())
	case len(r.Batches) > MaxRolloutBatches:
		return Invalidf("batches", "has %d sizes, at most %d are allowed", len(r.Batches), MaxRolloutBatches)
	case len(r.Freeze) > maxFreezes:
		return Invalidf("freeze", "has %d times, at most %d are allowed", len(r.Freeze), maxFreezes)
	}
	if r.Strategy != "" && r.InitialBatch.N == 0 {
		return Invalidf("initial_batch", "%s is a batch without a node; give 1 or more", r.InitialBatch)
	}
	for _, of := range []struct {
		name string
		most Amount
	}{{"canary", r.Canary}, {"max_unavailable", r.MaxUnavailable}, {"max_in_flight", r.MaxInFlight}} {
		if of.most.Set() && of.most.N == 0 {
			return Invalidf(of.name, "%s is no node, so none would ever start; give 1 or more, or leave it out", of.most)
		}
	}
	for _, size := range r.Batches {
		if size.N == 0 {
			return Invalidf("batches", "%s is a batch without a node, so the rollout would not end; give 1 or more", size)
		}
	}
	if _, err := Expand(r.CanaryNodes, MaxExpand); r.CanaryNodes != "" && err != nil {
		return Invalidf("canary_nodes", "%s", err)
	}
	for _, f := range r.Freeze {
		if !f.From.Before(f.Until) {
			return Invalidf("freeze", "from %s until %s is no time; give one that ends after it begins", f.From, f.Until)
		}
	}
	if _, err := r.Window.Clock(); err != nil {
		var invalid *Invalid
		errors.As(err, &invalid)
		return Invalidf("window."+invalid.Field, "%s", invalid.Detail)
	}
	return nil
}
