package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var _ bos.HostBoots = (*Store)(nil)

const (
	putHostBoots = `INSERT INTO host_boots (host, artifacts, token) SELECT value, ?1, ?2 FROM LIST(?3) AS l WHERE true
ON CONFLICT (host) DO UPDATE SET artifacts = ?1, token = ?2`
	selectHostBoots = "SELECT host, kernel, kernel_parameters, initrd, token FROM host_boots JOIN artifacts ON artifacts.id = host_boots.artifacts"
	amongHosts      = " WHERE host IN (SELECT value FROM LIST(?) AS l)"
)

// PutHostBoots gives all hosts the artifacts under one token.
func (s *Store) PutHostBoots(ctx context.Context, hosts []string, a bos.BootArtifacts, token string, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := s.putHostBoots(ctx, t, hosts, a, token); err != nil {
			return err
		}
		return t.noteHosts(ctx, hosts, notes)
	})
}

func (s *Store) putHostBoots(ctx context.Context, t *tx, hosts []string, a bos.BootArtifacts, token string) error {
	list, err := json.Marshal(bos.Distinct(hosts))
	if err != nil {
		return err
	}
	id, err := interningIn(ctx, t).add(a)
	if err != nil {
		return err
	}
	if err := putToken(ctx, t, token, id); err != nil {
		return err
	}
	if err := t.exec(ctx, putHostBoots, id, token, string(list)); err != nil {
		return fmt.Errorf("write what %d hosts boot: %w", len(hosts), err)
	}
	return nil
}

// noteHosts writes each note for each of the hosts.
func (t *tx) noteHosts(ctx context.Context, hosts []string, notes []bos.Event) error {
	for _, note := range notes {
		list := make([]bos.Event, len(hosts))
		for i, host := range hosts {
			list[i] = note
			list[i].Component = host
		}
		if err := t.note(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// HostBoots lists what the hosts boot, or what all do.
func (s *Store) HostBoots(ctx context.Context, hosts []string) ([]bos.HostBoot, error) {
	query, args := selectHostBoots, []any{}
	if hosts != nil {
		list, err := json.Marshal(hosts)
		if err != nil {
			return nil, err
		}
		query, args = query+amongHosts, []any{string(list)}
	}
	var all []bos.HostBoot
	err := s.each(ctx, func(row scanner) error {
		b, err := scanHostBoot(row)
		all = append(all, b)
		return err
	}, query+" ORDER BY host", args...)
	if err != nil {
		return nil, fmt.Errorf("read what hosts boot: %w", err)
	}
	return all, nil
}

func scanHostBoot(row scanner) (b bos.HostBoot, err error) {
	err = row.Scan(&b.Host, &b.Artifacts.Kernel, &b.Artifacts.KernelParameters, &b.Artifacts.Initrd, &b.Token)
	return b, err
}

// hostBoots is what those of the hosts boot that boot something, as the open transaction
// sees it.
func (t *tx) hostBoots(ctx context.Context, hosts []string) (map[string]bos.BootArtifacts, error) {
	boots := make(map[string]bos.BootArtifacts, len(hosts))
	for page := range slices.Chunk(hosts, loadPage) {
		list, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		rows, err := t.query(ctx, selectHostBoots+amongHosts, string(list))
		if err == nil {
			err = eachRow(rows, func(row scanner) error {
				b, err := scanHostBoot(row)
				boots[b.Host] = b.Artifacts
				return err
			})
		}
		if err != nil {
			return nil, fmt.Errorf("read what %d hosts boot: %w", len(page), err)
		}
	}
	return boots, nil
}

// MutateHostBoots changes what hosts boot, with a token for each set of
// artifacts that comes out.
func (s *Store) MutateHostBoots(ctx context.Context, hosts []string, token func() string, fn func(*bos.BootArtifacts) error, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		boots, err := t.hostBoots(ctx, hosts)
		if err != nil {
			return err
		}
		sets := make(map[bos.BootArtifacts][]string)
		var order []bos.BootArtifacts
		for _, host := range hosts {
			a, known := boots[host]
			if !known {
				return fmt.Errorf("what host %s boots: %w", host, bos.ErrNotFound)
			}
			if err := fn(&a); err != nil {
				return err
			}
			if _, known := sets[a]; !known {
				order = append(order, a)
			}
			sets[a] = append(sets[a], host)
		}
		for _, a := range order {
			if err := s.putHostBoots(ctx, t, sets[a], a, token()); err != nil {
				return err
			}
		}
		return t.noteHosts(ctx, hosts, notes)
	})
}

// DeleteHostBoots takes away what hosts boot.
func (s *Store) DeleteHostBoots(ctx context.Context, hosts []string, notes ...bos.Event) error {
	list, err := json.Marshal(hosts)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := t.exec(ctx, "DELETE FROM host_boots"+amongHosts, string(list)); err != nil {
			return fmt.Errorf("take away what %d hosts boot: %w", len(hosts), err)
		}
		return t.noteHosts(ctx, hosts, notes)
	})
}
