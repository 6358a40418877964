package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// within is the condition that a row is of a scope, by the expression for its tenant.
// Of a scope that names nobody it is none.
func within(of bos.TenantScope, tenant string) (condition string, args []any) {
	if one, ok := of.One(); ok {
		return tenant + " = ?", []any{one}
	}
	if of.All() {
		return "TRUE", nil
	}
	return "FALSE", nil
}

// Templates lists templates by tenant and name.
func (s *Store) Templates(ctx context.Context, of bos.TenantScope) ([]bos.SessionTemplate, error) {
	whose, args := within(of, "tenant")
	var list []bos.SessionTemplate
	err := s.each(ctx, func(row scanner) error {
		var document []byte
		if err := row.Scan(&document); err != nil {
			return err
		}
		t, err := decodeTemplate(document)
		list = append(list, t)
		return err
	}, "SELECT document FROM templates WHERE "+whose+" ORDER BY tenant, name", args...)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return list, nil
}

// Template reads one template.
func (s *Store) Template(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	return readTemplate(s.row(ctx, selectTemplate, tenant, name), name)
}

const selectTemplate = "SELECT document FROM templates WHERE tenant = ? AND name = ?"

func readTemplate(row scanner, name string) (bos.SessionTemplate, error) {
	var document []byte
	err := row.Scan(&document)
	if notThere(err) {
		return bos.SessionTemplate{}, bos.ErrNotFound
	}
	if err != nil {
		return bos.SessionTemplate{}, fmt.Errorf("read template %s: %w", name, err)
	}
	return decodeTemplate(document)
}

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, template bos.SessionTemplate, notes ...bos.Event) error {
	document, err := json.Marshal(template)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		return t.putTemplate(ctx, bos.TenantOf(template.Tenant), template.Name, document, notes)
	})
}

func (t *tx) putTemplate(ctx context.Context, tenant, name string, document []byte, notes []bos.Event) error {
	err := t.exec(ctx, `INSERT INTO templates (tenant, name, document) VALUES (?1, ?2, ?3)
ON CONFLICT (tenant, name) DO UPDATE SET document = ?3`, tenant, name, string(document))
	if err != nil {
		return fmt.Errorf("write template %s: %w", name, err)
	}
	return t.changedTemplate(ctx, notes)
}

// MutateTemplate changes a template, or creates it.
func (s *Store) MutateTemplate(ctx context.Context, tenant, name string, fn func(t *bos.SessionTemplate, exists bool) error, notes ...bos.Event) (bos.SessionTemplate, error) {
	var out bos.SessionTemplate
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		template, err := readTemplate(t.row(ctx, selectTemplate, tenant, name), name)
		exists := !errors.Is(err, bos.ErrNotFound)
		if exists && err != nil {
			return err
		}
		if !exists {
			template = bos.SessionTemplate{Name: name, Tenant: bos.TenantRef(tenant)}
		}
		if err := fn(&template, exists); err != nil {
			return err
		}
		document, err := json.Marshal(template)
		if err != nil {
			return err
		}
		out = template
		return t.putTemplate(ctx, tenant, name, document, notes)
	})
	return out, err
}

// DeleteTemplate removes a template.
func (s *Store) DeleteTemplate(ctx context.Context, tenant, name string, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := mustAffect(t.counted(ctx, "DELETE FROM templates WHERE tenant = ? AND name = ?", tenant, name)); err != nil {
			return err
		}
		return t.changedTemplate(ctx, notes)
	})
}

func (t *tx) changedTemplate(ctx context.Context, notes []bos.Event) error {
	change, err := t.changing(ctx)
	if err != nil {
		return err
	}
	change.Templates = true
	return t.note(ctx, notes)
}
